//! `PATCH` and `PUT /v1/customers/{customer_id}`: update a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::update_body::update_command;
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::precondition::Precondition;
use crate::problem::Problem;

/// Merges the body into the profile: absent keeps, `null` clears. Both verbs mean the same.
pub(crate) async fn update(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    Precondition(if_match): Precondition,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let command = update_command(body.object().await?);
    let customer = state.service.update_customer(caller, id, &if_match, command).await?;
    Ok(present::customer(StatusCode::OK, &customer, caller).respond())
}
