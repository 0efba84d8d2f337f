//! An endpoint as an answer.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::WebhookEndpoint;
use serde::Serialize;
use use_cases::WebhookSecret;

/// An answer that is one endpoint.
pub(super) fn endpoint(endpoint: &WebhookEndpoint) -> HttpResponse {
    json(&mut HttpResponse::Ok(), &wire::WebhookEndpoint::new(endpoint))
}

/// An answer that is one endpoint with its secret.
pub(super) fn endpoint_with_secret(
    response: &mut HttpResponseBuilder,
    endpoint: &WebhookEndpoint,
    secret: &WebhookSecret,
) -> HttpResponse {
    json(response, &wire::WebhookEndpoint::new(endpoint).with_secret(secret.to_text()))
}

/// A URL may be a secret of the receiver's, and what he answered may be anything: no cache on the way keeps it.
pub(super) fn json(response: &mut HttpResponseBuilder, body: &impl Serialize) -> HttpResponse {
    response.insert_header((CACHE_CONTROL, "no-store")).json(body)
}
