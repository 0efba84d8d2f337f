//! What the stand-in answers its own script, in the shape of Stripe's API.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;

use super::cards::Decline;
use super::store::Setup;

/// The code of an authentication that failed.
pub(super) const AUTHENTICATION_FAILURE: &str = "setup_intent_authentication_failure";

/// A setup as its browser sees it.
#[derive(Serialize)]
pub(super) struct Answer {
    id: String,
    object: &'static str,
    status: &'static str,
}

impl Answer {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { id: setup.id.clone(), object: "setup_intent", status: setup.status() }
    }
}

/// Why something did not happen.
pub(super) enum Failed {
    /// There is no such setup (any more), or the secret is another's.
    Missing,
    /// The setup stands elsewhere.
    Unexpected(Answer),
    /// The bank refused the card.
    Declined(Decline, Answer),
    /// The customer did not prove to be himself.
    Authentication(Answer),
    /// The request is not one of the script's.
    Malformed,
}

#[derive(Serialize)]
struct Envelope {
    error: Error,
}

#[derive(Serialize)]
struct Error {
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_intent: Option<Answer>,
}

impl Failed {
    pub(super) fn respond(self) -> HttpResponse {
        let invalid = |code, message, setup_intent| Error {
            kind: "invalid_request_error",
            code,
            decline_code: None,
            message,
            setup_intent,
        };
        let (status, error) = match self {
            Self::Missing => (
                StatusCode::NOT_FOUND,
                invalid("resource_missing", "This page is too old. Please load it again.", None),
            ),
            Self::Unexpected(setup) => (
                StatusCode::BAD_REQUEST,
                invalid("setup_intent_unexpected_state", "There is nothing left to do here.", Some(setup)),
            ),
            Self::Declined(Decline { code, decline_code, message }, setup) => (
                StatusCode::PAYMENT_REQUIRED,
                Error {
                    kind: "card_error",
                    code,
                    decline_code: Some(decline_code),
                    message,
                    setup_intent: Some(setup),
                },
            ),
            Self::Authentication(setup) => (
                StatusCode::BAD_REQUEST,
                invalid(
                    AUTHENTICATION_FAILURE,
                    "Your bank could not confirm that it is you. Please try again or use another card.",
                    Some(setup),
                ),
            ),
            Self::Malformed => {
                (StatusCode::BAD_REQUEST, invalid("parameter_invalid", "The request is not one of this page's.", None))
            }
        };
        HttpResponse::build(status).json(Envelope { error })
    }
}
