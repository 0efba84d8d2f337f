//! An endpoint as an answer.

use actix_web::http::StatusCode;
use domain::WebhookEndpoint;
use use_cases::WebhookSecret;

use crate::answer::Presented;

/// An answer that is one endpoint.
pub(super) fn endpoint(endpoint: &WebhookEndpoint) -> Presented {
    Presented::json(StatusCode::OK, &wire::WebhookEndpoint::new(endpoint))
}

/// An answer that is one endpoint with its secret.
pub(super) fn endpoint_with_secret(
    status: StatusCode,
    endpoint: &WebhookEndpoint,
    secret: &WebhookSecret,
) -> Presented {
    Presented::json(status, &wire::WebhookEndpoint::new(endpoint).with_secret(secret.to_text()))
}
