//! `POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret`: give an endpoint a new secret.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::WebhookEndpoint;
use use_cases::WebhookSecret;

use super::{id_in_path, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::problem::{Code, Problem};

pub(crate) const ROTATE_SECRET: Description = Description {
    id: "rotate_webhook_secret",
    client: "webhook_endpoints.rotate_secret",
    summary: "Give a webhook endpoint a new secret",
    text: "Makes a new secret and shows it, this once. For 24 hours the old one signs too.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&[]),
    success: Success {
        status: 200,
        text: "The endpoint with its new secret.",
        headers: &[],
        content: Content::Json(schema::<wire::WebhookEndpointWithSecret<'_>>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

/// Makes a new secret and shows it, this once.
pub(crate) async fn rotate_secret(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.optional_object(&[]).await?;
    let request = idempotency.of(&members);
    members.finish()?;
    let present = |(endpoint, secret): &(WebhookEndpoint, WebhookSecret)| {
        present::endpoint_with_secret(StatusCode::OK, endpoint, secret)
    };
    request.answer(present, async |once| state.service.rotate_endpoint_secret(caller, id, once).await).await
}
