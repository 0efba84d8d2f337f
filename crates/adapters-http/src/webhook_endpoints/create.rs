//! `POST /v1/webhook_endpoints`: make an endpoint.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use use_cases::CreateEndpoint;

use super::{body, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Makes an endpoint and shows its secret, this once.
pub(crate) async fn create(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let mut members = body.object().await?;
    members.require(&["url", "event_types"]);
    let url = body::url(&mut members, &state.service);
    let event_types = body::event_types(&mut members);
    let description = body::description(&mut members).value();
    members.finish()?;
    // Without an error both are there; the other arm is never taken.
    let (Some(url), Some(event_types)) = (url, event_types) else { return Err(Problem::internal_error()) };
    let command = CreateEndpoint { url, event_types, description };
    let (endpoint, secret) = state.service.create_endpoint(caller, command).await?;
    let location = format!("/v1/webhook_endpoints/{}", endpoint.id);
    let mut response = HttpResponse::Created();
    response.insert_header((LOCATION, location));
    Ok(present::endpoint_with_secret(&mut response, &endpoint, &secret))
}
