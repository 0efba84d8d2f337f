//! `GET /v1/webhook_endpoints` and `GET /v1/webhook_endpoints/{endpoint_id}`: read endpoints.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::answer::Presented;
use crate::caller::Authenticated;
use crate::problem::Problem;
use crate::query::Query;

/// All endpoints: they are few.
pub(crate) async fn list(
    Authenticated(_): Authenticated,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
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
