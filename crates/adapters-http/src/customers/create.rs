//! `POST /v1/customers` and `POST /v1/customers/{customer_id}`: create a customer.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use domain::CustomerId;
use use_cases::Caller;

use super::create_body::create_command;
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Creates a customer under an id of the service's making.
pub(crate) async fn create(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    create_as(&state, caller, None, body).await
}

/// Creates a customer under the caller's own id.
pub(crate) async fn create_with_id(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    create_as(&state, caller, Some(id), body).await
}

async fn create_as(state: &State, caller: Caller, id: Option<CustomerId>, body: Body) -> Result<HttpResponse, Problem> {
    let command = create_command(body.object().await?, id, state.service.phone_validation())?;
    let customer = state.service.create_customer(caller, command).await?;
    let location = format!("/v1/customers/{}", customer.id());
    Ok(present::customer(HttpResponse::Created().insert_header((LOCATION, location)), &customer, caller))
}
