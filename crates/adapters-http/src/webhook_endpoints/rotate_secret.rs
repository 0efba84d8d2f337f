//! `POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret`: give an endpoint a new secret.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::WebhookEndpoint;
use use_cases::WebhookSecret;

use super::{id_in_path, present};
use crate::State;
use crate::answer::Idempotency;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Makes a new secret and shows it, this once.
pub(crate) async fn rotate_secret(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.optional_object().await?;
    let request = idempotency.of(&members);
    members.finish()?;
    let present = |(endpoint, secret): &(WebhookEndpoint, WebhookSecret)| {
        present::endpoint_with_secret(StatusCode::OK, endpoint, secret)
    };
    request.answer(present, async |once| state.service.rotate_endpoint_secret(caller, id, once).await).await
}
