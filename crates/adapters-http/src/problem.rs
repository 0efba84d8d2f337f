//! Every failure of the API: its code, its status, and the document that tells of it (RFC 9457).

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use domain::{CustomerId, FieldCode, FieldError, Refusal};
use use_cases::{CardProviderError, Failure, Service};

use crate::answer::IDEMPOTENCY_REPLAYED;
use crate::observe::X_REQUEST_ID;

/// A stable name for a kind of failure. Programs go by it, so none ever changes its meaning; each has a section in
/// `docs/errors.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table in `entry` says what each one means")]
pub enum Code {
    MalformedRequest,
    Unauthorized,
    Forbidden,
    CustomerNotFound,
    AddressNotFound,
    CardNotFound,
    EventNotFound,
    WebhookEndpointNotFound,
    DeliveryNotFound,
    PendingPhoneNumberNotFound,
    RouteNotFound,
    MethodNotAllowed,
    RequestTimeout,
    PhoneNumberTaken,
    CustomerIdTaken,
    AlreadyConfirmed,
    IdempotencyInProgress,
    TooManyWebhookEndpoints,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    InvalidParameters,
    ConfirmationTokenInvalid,
    ConfirmationTokenExpired,
    IdempotencyKeyReused,
    TooManyAttempts,
    ResendTooSoon,
    RateLimited,
    HeadersTooLarge,
    InternalError,
    Unavailable,
}

impl Code {
    /// Every code, in the order of the statuses.
    pub const ALL: [Self; 31] = [
        Self::MalformedRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::CustomerNotFound,
        Self::AddressNotFound,
        Self::CardNotFound,
        Self::EventNotFound,
        Self::WebhookEndpointNotFound,
        Self::DeliveryNotFound,
        Self::PendingPhoneNumberNotFound,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::PhoneNumberTaken,
        Self::CustomerIdTaken,
        Self::AlreadyConfirmed,
        Self::IdempotencyInProgress,
        Self::TooManyWebhookEndpoints,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidParameters,
        Self::ConfirmationTokenInvalid,
        Self::ConfirmationTokenExpired,
        Self::IdempotencyKeyReused,
        Self::TooManyAttempts,
        Self::ResendTooSoon,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::InternalError,
        Self::Unavailable,
    ];

    /// The table: code, status, title.
    #[rustfmt::skip]
    const fn entry(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::MalformedRequest => ("malformed_request", 400, "The request cannot be read"),
            Self::Unauthorized => ("unauthorized", 401, "A valid API key is needed"),
            Self::Forbidden => ("forbidden", 403, "The API key does not allow this"),
            Self::CustomerNotFound => ("customer_not_found", 404, "There is no such customer"),
            Self::AddressNotFound => ("address_not_found", 404, "The customer has no such address"),
            Self::CardNotFound => ("card_not_found", 404, "The customer has no card"),
            Self::EventNotFound => ("event_not_found", 404, "There is no such event"),
            Self::WebhookEndpointNotFound => ("webhook_endpoint_not_found", 404, "There is no such webhook endpoint"),
            Self::DeliveryNotFound => ("delivery_not_found", 404, "There is no such delivery"),
            Self::PendingPhoneNumberNotFound => {
                ("pending_phone_number_not_found", 404, "No other phone number is pending")
            }
            Self::RouteNotFound => ("route_not_found", 404, "There is nothing at this address"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "The address does not take this method"),
            Self::RequestTimeout => ("request_timeout", 408, "The request did not arrive in time"),
            Self::PhoneNumberTaken => ("phone_number_taken", 409, "The phone number belongs to another customer"),
            Self::CustomerIdTaken => ("customer_id_taken", 409, "The customer id is in use"),
            Self::AlreadyConfirmed => ("already_confirmed", 409, "The customer is confirmed already"),
            Self::IdempotencyInProgress => {
                ("idempotency_in_progress", 409, "The first request with this idempotency key is under way")
            }
            Self::TooManyWebhookEndpoints => {
                ("too_many_webhook_endpoints", 409, "There are as many webhook endpoints as there may be")
            }
            Self::PreconditionFailed => ("precondition_failed", 412, "The customer is at another revision"),
            Self::PayloadTooLarge => ("payload_too_large", 413, "The body is too large"),
            Self::UnsupportedMediaType => ("unsupported_media_type", 415, "The body is not JSON"),
            Self::InvalidParameters => ("invalid_parameters", 422, "Some parameters are invalid"),
            Self::ConfirmationTokenInvalid => ("confirmation_token_invalid", 422, "The confirmation token is wrong"),
            Self::ConfirmationTokenExpired => ("confirmation_token_expired", 422, "The confirmation token has expired"),
            Self::IdempotencyKeyReused => {
                ("idempotency_key_reused", 422, "The idempotency key was used for another request")
            }
            Self::TooManyAttempts => ("too_many_attempts", 429, "There were too many wrong tokens"),
            Self::ResendTooSoon => ("resend_too_soon", 429, "It is too soon for another token"),
            Self::RateLimited => ("rate_limited", 429, "There are too many requests"),
            Self::HeadersTooLarge => ("headers_too_large", 431, "The headers are too large"),
            Self::InternalError => ("internal_error", 500, "The service has a defect"),
            Self::Unavailable => ("unavailable", 503, "The service cannot answer right now"),
        }
    }

    /// The code as programs see it.
    pub const fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        self.entry().1
    }

    /// What it means, always the same.
    pub const fn title(self) -> &'static str {
        self.entry().2
    }

    fn status_code(self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The code for an error that the HTTP library answered by itself.
    fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            404 => Self::RouteNotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            413 => Self::PayloadTooLarge,
            415 => Self::UnsupportedMediaType,
            431 => Self::HeadersTooLarge,
            400..=499 => Self::MalformedRequest,
            503 => Self::Unavailable,
            _ => Self::InternalError,
        }
    }
}

/// One failure of one request.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
    errors: Vec<FieldError>,
    existing_customer: Option<(CustomerId, bool)>,
    attempts_remaining: Option<u32>,
    /// In seconds.
    pub(crate) retry_after: Option<i64>,
    allow: Option<String>,
    /// Whether this was answered before, to a request that came again.
    is_replayed: bool,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            existing_customer: None,
            attempts_remaining: None,
            retry_after: None,
            allow: None,
            is_replayed: false,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            Code::Unauthorized,
            "Send `Authorization: Bearer KEY` with a key that exists, has not expired and was not revoked.",
        )
    }

    pub(crate) fn customer_not_found() -> Self {
        Self::new(Code::CustomerNotFound, "Check the customer id: no customer has it.")
    }

    pub(crate) fn event_not_found() -> Self {
        Self::new(Code::EventNotFound, "Check the event id: no event has it.")
    }

    pub(crate) fn route_not_found() -> Self {
        Self::new(Code::RouteNotFound, "Check the path: the API's operations are below /v1.")
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let detail = format!("Use one of the methods that this address takes: {allow}.");
        Self { allow: Some(allow.to_owned()), ..Self::new(Code::MethodNotAllowed, detail) }
    }

    pub(crate) fn invalid_parameters(errors: Vec<FieldError>) -> Self {
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_ref()).collect();
        let detail = format!("Correct these and send the request again: {}.", fields.join(", "));
        Self { errors, ..Self::new(Code::InvalidParameters, detail) }
    }

    /// A problem that was answered before.
    pub(crate) fn replayed(code: &str, detail: String, attempts_remaining: Option<u32>) -> Self {
        let code = Code::ALL.into_iter().find(|known| known.as_str() == code).unwrap_or(Code::InternalError);
        Self { attempts_remaining, is_replayed: true, ..Self::new(code, detail) }
    }

    pub(crate) fn attempts_remaining(&self) -> Option<u32> {
        self.attempts_remaining
    }

    /// For a caller who has to wait so long.
    pub(crate) fn rate_limited(wait: Duration, detail: &str) -> Self {
        // Rounded up, so that who waits so long does not come too early.
        let seconds = i64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        Self { retry_after: Some(seconds.max(1)), ..Self::new(Code::RateLimited, detail) }
    }

    pub(crate) fn internal_error() -> Self {
        Self::new(Code::InternalError, "Tell the operator of the service this request id; the log says more.")
    }

    pub(crate) fn unavailable() -> Self {
        Self::unavailable_because("Send the request again in a moment; the service recovers by itself.")
    }

    pub(crate) fn unavailable_because(detail: &str) -> Self {
        Self { retry_after: Some(1), ..Self::new(Code::Unavailable, detail) }
    }

    /// The problem for an error response that the HTTP library made by itself.
    pub(crate) fn of_framework(status: StatusCode) -> Self {
        let code = Code::of_status(status);
        match code {
            Code::RouteNotFound => Self::route_not_found(),
            Code::InternalError => Self::internal_error(),
            Code::Unavailable => Self::unavailable(),
            _ => Self::new(code, format!("{}: send the request otherwise.", code.title())),
        }
    }

    /// The problem as the answer to a request.
    pub(crate) fn respond(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        response.insert_header((X_REQUEST_ID, request_id));
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if self.is_replayed {
            response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        if self.code == Code::Unauthorized {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let body = serde_json::to_string(&self.document(request_id)).unwrap_or_default();
        response.content_type("application/problem+json").body(body)
    }

    fn document(&self, request_id: &str) -> wire::Problem {
        wire::Problem {
            kind: format!("/errors/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            detail: self.detail.clone(),
            code: self.code.as_str(),
            request_id: request_id.to_owned(),
            errors: self.errors.iter().map(field_problem).collect(),
            existing_customer_id: self.existing_customer.map(|(id, _)| id.to_string()),
            existing_customer_confirmed: self.existing_customer.map(|(_, confirmed)| confirmed),
            attempts_remaining: self.attempts_remaining,
        }
    }
}

fn field_problem(error: &FieldError) -> wire::FieldProblem {
    let code = match error.code {
        FieldCode::Missing => "missing",
        FieldCode::Unknown => "unknown",
        FieldCode::WrongType => "wrong_type",
        FieldCode::Invalid => "invalid",
        FieldCode::TooLong => "too_long",
        FieldCode::TooShort => "too_short",
        FieldCode::ImpossibleLength => "impossible_length",
        FieldCode::AreaCodeMissing => "area_code_missing",
        FieldCode::NotInNumberingPlan => "not_in_numbering_plan",
        FieldCode::UnknownCallingCode => "unknown_calling_code",
        FieldCode::AmbiguousPrefix => "ambiguous_prefix",
        FieldCode::Extension => "extension",
        FieldCode::ReadOnly => "read_only",
    };
    wire::FieldProblem { field: error.field.to_string(), code, detail: format!("{} {}.", error.field, error.detail) }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unauthorized => Self::unauthorized(),
            Failure::Forbidden => {
                Self::new(Code::Forbidden, "Use a key with the scope `write`; this one may only read.")
            }
            Failure::CustomerNotFound => Self::customer_not_found(),
            Failure::AddressNotFound => Self::new(
                Code::AddressNotFound,
                "There is nothing to delete: the customer has no address of this kind.",
            ),
            Failure::CardNotFound => Self::new(
                Code::CardNotFound,
                "The customer has no card; retrieve him and send him the `card_url` to get one.",
            ),
            Failure::EventNotFound => Self::event_not_found(),
            Failure::EndpointNotFound => {
                Self::new(Code::WebhookEndpointNotFound, "Check the endpoint id: no webhook endpoint has it.")
            }
            Failure::DeliveryNotFound => {
                Self::new(Code::DeliveryNotFound, "Check the delivery id: this endpoint has no delivery of it.")
            }
            Failure::TooManyEndpoints => Self::new(
                Code::TooManyWebhookEndpoints,
                format!("Delete an endpoint that is no longer needed: there may be {}.", Service::MAX_ENDPOINTS),
            ),
            Failure::CustomerIdTaken => Self::new(
                Code::CustomerIdTaken,
                "Use another id, or retrieve the customer who has this one: he may be the one that you meant to create. The id of \
                 a customer who was erased is never used again.",
            ),
            Failure::PhoneNumberTaken { holder, confirmed } => Self {
                existing_customer: Some((holder, confirmed)),
                ..Self::new(
                    Code::PhoneNumberTaken,
                    if confirmed {
                        "Use the existing customer, who proved the number, if he is the same person; else ask for another one."
                    } else {
                        "Nobody has proved the number: if the existing customer has no `phone_number`, erase him, with `If-Match`; \
                         if he has one, withdraw his change to this one. Then send this again. Never take over that customer."
                    },
                )
            },
            Failure::PreconditionFailed => Self::new(
                Code::PreconditionFailed,
                "Retrieve the customer, make your change to what he is now, and send it with his new `ETag`.",
            ),
            Failure::IdempotencyInProgress => Self {
                retry_after: Some(1),
                ..Self::new(
                    Code::IdempotencyInProgress,
                    "Send the request again in a moment, with the same key: it is then answered as the first one was.",
                )
            },
            Failure::IdempotencyKeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "Give each request a key of its own; send the same key only with the same method, path and body.",
            ),
            Failure::Refused(refusal) => refusal.into(),
            Failure::Contended => {
                tracing::warn!("the customer was changed by others each time before this request could");
                Self::unavailable()
            }
            Failure::CardProvider(CardProviderError::Unavailable(reason)) => {
                tracing::warn!(reason, "the card provider is unavailable");
                Self::unavailable()
            }
            Failure::CardProvider(error) => {
                tracing::error!(%error, "the card provider failed");
                Self::internal_error()
            }
            Failure::Store(use_cases::StoreError::Unavailable(reason)) => {
                tracing::warn!(reason, "the store is unavailable");
                Self::unavailable()
            }
            Failure::Store(error) => {
                tracing::error!(%error, "the store failed");
                Self::internal_error()
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AlreadyConfirmed => Self::new(
                Code::AlreadyConfirmed,
                "There is nothing to confirm: the phone number is the customer's. Where another one waits, `DELETE …/phone_number` gives that up.",
            ),
            Refusal::NothingPending => Self::new(
                Code::PendingPhoneNumberNotFound,
                "There is nothing to withdraw: the customer has no other phone number that waits for its token.",
            ),
            Refusal::TokenInvalid { attempts_remaining } => Self {
                attempts_remaining: Some(attempts_remaining),
                ..Self::new(
                    Code::ConfirmationTokenInvalid,
                    "Ask the customer for the token again; generate a new one if he has none or no try is left.",
                )
            },
            Refusal::TokenExpired => {
                Self::new(Code::ConfirmationTokenExpired, "Generate a new confirmation token and ask for that one.")
            }
            Refusal::TooManyAttempts { retry_after: None } => {
                Self::new(Code::TooManyAttempts, "The token is dead: generate a new confirmation token.")
            }
            Refusal::TooManyAttempts { retry_after: Some(wait) } => Self {
                retry_after: Some(whole_seconds(wait)),
                ..Self::new(
                    Code::TooManyAttempts,
                    "The customer has no try left for today, whatever the token: wait as long as Retry-After says.",
                )
            },
            Refusal::ResendTooSoon { retry_after } => Self {
                retry_after: Some(whole_seconds(retry_after)),
                ..Self::new(
                    Code::ResendTooSoon,
                    "Wait as long as Retry-After says, then send this request again: the customer, or his number, has had its tokens for now.",
                )
            },
            Refusal::InvalidFields(errors) => Self::invalid_parameters(errors),
        }
    }
}

/// Rounded up, so that who waits so long does not come too early.
fn whole_seconds(wait: domain::TimeDelta) -> i64 {
    (wait.num_milliseconds() + 999).div_euclid(1000).max(1)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status_code()
    }

    /// Seen by nobody: [`observe`](crate::observe) answers in its place, with the request's id.
    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

#[cfg(test)]
mod tests;
