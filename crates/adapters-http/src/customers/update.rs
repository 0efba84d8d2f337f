//! `PATCH` and `PUT /v1/customers/{customer_id}`: update a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::update_body::{UPDATE_BODY, update_command};
use super::{id_in_path, present};
use crate::State;
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition, REVISION};
use crate::problem::{Code, Problem};

pub(crate) const UPDATE: Description = Description {
    id: "update_customer",
    client: "customers.update",
    summary: "Update a customer",
    text: "Changes names and e-mail address: what is absent is kept, `null` clears. The other members of the customer may \
           be sent back as they were read. A change fires the event `customer.updated`.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: Some(&UPDATE_BODY),
    success: UPDATED,
    errors: &[Code::CustomerNotFound],
};

pub(crate) const UPDATE_BY_PUT: Description = Description {
    id: "put_customer",
    client: "customers.update",
    summary: "Update a customer, by PUT",
    text: "The same as `PATCH`: what is absent is kept here, too.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: Some(&UPDATE_BODY),
    success: UPDATED,
    errors: &[Code::CustomerNotFound],
};

const UPDATED: Success = Success {
    status: 200,
    text: "The customer.",
    headers: &[REVISION],
    content: Content::Json(schema::<wire::Customer<'_>>),
};

/// Merges the body into the profile: absent keeps, `null` clears. Both verbs mean the same.
pub(crate) async fn update(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    Precondition(if_match): Precondition,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let command = update_command(body.object(&UPDATE_BODY).await?);
    let customer = state.service.update_customer(caller, id, &if_match, command).await?;
    Ok(present::customer(StatusCode::OK, &customer, caller).respond())
}
