//! Every problem as its document. A snapshot that changes here changes what programs rely on.

use std::fmt::Write;

use actix_web::body::to_bytes;
use domain::TimeDelta;
use insta::assert_snapshot;
use use_cases::StoreError;
use uuid::Uuid;

use super::*;

/// A failure or more of each code, as handlers meet them.
fn problems() -> Vec<Problem> {
    let refused = |refusal: Refusal| Problem::from(Failure::from(refusal));
    let holder = CustomerId::from(Uuid::nil());
    vec![
        Problem::new(Code::MalformedRequest, "Send a JSON object as the body."),
        Problem::from(Failure::Unauthorized),
        Problem::from(Failure::Forbidden),
        Problem::from(Failure::CustomerNotFound),
        Problem::from(Failure::AddressNotFound),
        Problem::from(Failure::CardNotFound),
        Problem::from(Failure::EventNotFound),
        Problem::from(Failure::EndpointNotFound),
        Problem::from(Failure::DeliveryNotFound),
        refused(Refusal::NothingPending),
        Problem::route_not_found(),
        Problem::method_not_allowed("GET, HEAD"),
        Problem::of_framework(StatusCode::REQUEST_TIMEOUT),
        Problem::from(Failure::PhoneNumberTaken { holder, confirmed: true }),
        Problem::from(Failure::PhoneNumberTaken { holder, confirmed: false }),
        Problem::from(Failure::CustomerIdTaken),
        refused(Refusal::AlreadyConfirmed),
        Problem::from(Failure::IdempotencyInProgress),
        Problem::from(Failure::TooManyEndpoints),
        Problem::from(Failure::PreconditionFailed),
        Problem::of_framework(StatusCode::PAYLOAD_TOO_LARGE),
        Problem::of_framework(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        refused(Refusal::InvalidFields(vec![
            FieldError::new("country_code", FieldCode::Missing, "is required"),
            FieldError::new("nickname", FieldCode::Unknown, "is not a parameter of this operation"),
        ])),
        refused(Refusal::TokenInvalid { attempts_remaining: 4 }),
        refused(Refusal::TokenExpired),
        Problem::from(Failure::IdempotencyKeyReused),
        refused(Refusal::TooManyAttempts { retry_after: None }),
        refused(Refusal::TooManyAttempts { retry_after: Some(TimeDelta::hours(23)) }),
        refused(Refusal::ResendTooSoon { retry_after: TimeDelta::milliseconds(29_001) }),
        Problem::rate_limited(Duration::from_millis(2_001), "Wait as long as Retry-After says."),
        Problem::of_framework(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Problem::from(Failure::Store(StoreError::Rejected("secret".into()))),
        Problem::from(Failure::CardProvider(CardProviderError::Rejected("secret".into()))),
        Problem::from(Failure::Store(StoreError::Unavailable("secret".into()))),
        Problem::from(Failure::CardProvider(CardProviderError::Unavailable("secret".into()))),
        Problem::from(Failure::Contended),
    ]
}

#[actix_web::test]
async fn every_code_has_its_document() {
    let mut documents = String::new();
    let mut codes = Vec::new();
    for problem in problems() {
        let response = problem.respond("the-request");
        assert_eq!(response.status().as_u16(), problem.code.status());
        for name in ["allow", "retry-after", "www-authenticate"] {
            if let Some(value) = response.headers().get(name) {
                writeln!(documents, "{name}: {}", value.to_str().unwrap()).unwrap();
            }
        }
        let body = to_bytes(response.into_body()).await.unwrap();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        writeln!(documents, "{document:#}\n").unwrap();
        codes.push(problem.code);
    }
    codes.dedup();
    assert_eq!(codes, Code::ALL, "each code once, in order");
    assert!(!documents.contains("secret"), "what the store says is for the log");
    assert_snapshot!(documents);
}

#[test]
fn what_the_http_library_answers_by_itself_has_a_code_too() {
    for (status, code) in [(400, "malformed_request"), (404, "route_not_found"), (418, "malformed_request")] {
        assert_eq!(Problem::of_framework(StatusCode::from_u16(status).unwrap()).code.as_str(), code);
    }
    assert_eq!(Problem::of_framework(StatusCode::BAD_GATEWAY).code, Code::InternalError);
}

#[test]
fn waits_are_rounded_up() {
    for (milliseconds, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
        assert_eq!(whole_seconds(TimeDelta::milliseconds(milliseconds)), seconds);
    }
}
