//! `PATCH` and `PUT /v1/customers/{customer_id}`: update a customer.

use actix_web::{HttpResponse, web};

use super::update_body::update_command;
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Merges the body into the profile: absent keeps, `null` clears. Both verbs mean the same.
pub(crate) async fn update(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let command = update_command(body.object().await?);
    let customer = state.service.update_customer(caller, id, command).await?;
    Ok(present::customer(&mut HttpResponse::Ok(), &customer, caller))
}
