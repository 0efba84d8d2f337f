//! `POST /v1/webhook_endpoints/{endpoint_id}/test`: try an endpoint.

use actix_web::{HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Sends a ping and says what came of it.
pub(crate) async fn test(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    body.optional_object().await?.finish()?;
    let ping = |id, at| wire::Ping::new(id, at).to_string();
    let (event_id, tried) = state.service.test_endpoint(caller, id, ping).await?;
    Ok(present::json(&mut HttpResponse::Ok(), &wire::TestOutcome::new(event_id, &tried)))
}
