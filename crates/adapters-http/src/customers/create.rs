//! `POST /v1/customers` and `POST /v1/customers/{customer_id}`: create a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{Customer, CustomerId};
use use_cases::Caller;

use super::create_body::create_command;
use super::{id_in_path, present};
use crate::State;
use crate::answer::Idempotency;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Creates a customer under an id of the service's making.
pub(crate) async fn create(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    create_as(&state, caller, None, idempotency, body).await
}

/// Creates a customer under the caller's own id.
pub(crate) async fn create_with_id(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    create_as(&state, caller, Some(id), idempotency, body).await
}

async fn create_as(
    state: &State,
    caller: Caller,
    id: Option<CustomerId>,
    idempotency: Idempotency,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let members = body.object().await?;
    let request = idempotency.of(&members);
    let command = create_command(members, id, state.service.phone_validation())?;
    let present = |customer: &Customer| {
        present::customer(StatusCode::CREATED, customer, caller).at(format!("/v1/customers/{}", customer.id()))
    };
    request.answer(present, async |once| state.service.create_customer(caller, command, once).await).await
}
