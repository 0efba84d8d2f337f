//! `DELETE /v1/webhook_endpoints/{endpoint_id}`: remove an endpoint.

use actix_web::{HttpResponse, web};

use super::id_in_path;
use crate::State;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success};
use crate::problem::{Code, Problem};

pub(crate) const DELETE: Description = Description {
    id: "delete_webhook_endpoint",
    client: "webhook_endpoints.del",
    summary: "Remove a webhook endpoint",
    text: "Removes the endpoint and its deliveries.",
    access: Access::Write,
    query: None,
    headers: &[],
    body: None,
    success: Success { status: 204, text: "The endpoint was removed.", headers: &[], content: Content::Nothing },
    errors: &[Code::WebhookEndpointNotFound],
};

/// Removes the endpoint and its deliveries.
pub(crate) async fn delete(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    state.service.delete_endpoint(caller, id_in_path(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
