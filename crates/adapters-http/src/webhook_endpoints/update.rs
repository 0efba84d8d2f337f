//! `PATCH /v1/webhook_endpoints/{endpoint_id}`: change an endpoint, disable or enable it.

use actix_web::{HttpResponse, web};
use use_cases::UpdateEndpoint;

use super::{body, id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Changes the members that are there.
pub(crate) async fn update(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let mut members = body.object().await?;
    let command = UpdateEndpoint {
        url: body::url(&mut members, &state.service),
        event_types: body::event_types(&mut members),
        description: body::description(&mut members),
        disabled: body::disabled(&mut members),
    };
    // Whoever asks for what is not there is told that first.
    state.service.find_endpoint(id).await?;
    members.finish()?;
    Ok(present::endpoint(&state.service.update_endpoint(caller, id, command).await?).respond())
}
