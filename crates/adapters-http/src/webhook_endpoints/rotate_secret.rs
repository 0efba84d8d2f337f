//! `POST /v1/webhook_endpoints/{endpoint_id}/rotate_secret`: give an endpoint a new secret.

use actix_web::{HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Makes a new secret and shows it, this once.
pub(crate) async fn rotate_secret(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    body.optional_object().await?.finish()?;
    let (endpoint, secret) = state.service.rotate_endpoint_secret(caller, id).await?;
    Ok(present::endpoint_with_secret(&mut HttpResponse::Ok(), &endpoint, &secret))
}
