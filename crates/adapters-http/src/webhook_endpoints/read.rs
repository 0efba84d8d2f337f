//! `GET /v1/webhook_endpoints` and `GET /v1/webhook_endpoints/{endpoint_id}`: read endpoints.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::answer::Presented;
use crate::caller::Authenticated;
use crate::operation::{Access, Content, Description, Success, schema, schemas};
use crate::problem::{Code, Problem};
use crate::query::Query;

pub(crate) const LIST: Description = Description {
    id: "list_webhook_endpoints",
    client: "webhook_endpoints.list",
    summary: "List webhook endpoints",
    text: "All endpoints: there are 100 at most.",
    access: Access::Read,
    query: Some(&[]),
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "The endpoints.",
        headers: &[],
        content: Content::Json(schemas::<wire::WebhookEndpoint<'_>>),
    },
    errors: &[],
};

pub(crate) const RETRIEVE: Description = Description {
    id: "retrieve_webhook_endpoint",
    client: "webhook_endpoints.retrieve",
    summary: "Read a webhook endpoint",
    text: "One endpoint, without its secret.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "The endpoint.",
        headers: &[],
        content: Content::Json(schema::<wire::WebhookEndpoint<'_>>),
    },
    errors: &[Code::WebhookEndpointNotFound],
};

/// All endpoints: they are few.
pub(crate) async fn list(
    Authenticated(_): Authenticated,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), &[]).finish()?;
    let endpoints = state.service.list_endpoints().await?;
    let objects: Vec<_> = endpoints.iter().map(wire::WebhookEndpoint::new).collect();
    Ok(Presented::json(StatusCode::OK, &objects).respond())
}

/// One endpoint.
pub(crate) async fn retrieve(
    Authenticated(_): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(present::endpoint(&state.service.find_endpoint(id_in_path(&path)?).await?).respond())
}
