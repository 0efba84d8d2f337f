//! `DELETE /v1/webhook_endpoints/{endpoint_id}`: remove an endpoint.

use actix_web::{HttpResponse, web};

use super::id_in_path;
use crate::State;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Removes the endpoint and its deliveries.
pub(crate) async fn delete(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    state.service.delete_endpoint(caller, id_in_path(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
