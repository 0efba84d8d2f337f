//! `POST /v1/customers/{customer_id}/generate_confirmation`: generate a confirmation token.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};

use super::id_in_path;
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Replaces the token. The answer is empty: the new token goes out with the event.
pub(crate) async fn generate_confirmation(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    body.optional_object().await?.finish()?;
    state.service.generate_confirmation(caller, id).await?;
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).finish())
}
