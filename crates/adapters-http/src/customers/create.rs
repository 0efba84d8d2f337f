//! `POST /v1/customers` and `POST /v1/customers/{customer_id}`: create a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{Customer, CustomerId};
use use_cases::Caller;

use super::create_body::{CREATE_BODY, create_command};
use super::{id_in_path, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::Body;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, NEW_LOCATION, Success, schema};
use crate::precondition::REVISION;
use crate::problem::{Code, Problem};

pub(crate) const CREATE: Description = Description {
    id: "create_customer",
    client: "customers.create",
    summary: "Create a customer",
    text: "Creates a customer with a phone number that is not proved yet, makes a token, and fires the event `verification` \
           with it: send the token to the number, and what the customer says back to *Confirm a customer*.\n\n\
           With `confirmation: false` you vouch for the number: he is created confirmed, and that event is not fired.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&CREATE_BODY),
    success: CREATED,
    errors: &[Code::CustomerNotFound, Code::PhoneNumberTaken, Code::ResendTooSoon],
};

pub(crate) const CREATE_WITH_ID: Description = Description {
    id: "create_customer_with_id",
    client: "customers.create_with_id",
    summary: "Create a customer under an id of yours",
    text: "The same under a UUID that you choose. Sent again after a lost answer it creates nobody twice: it is refused with \
           `customer_id_taken`.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE],
    body: Some(&CREATE_BODY),
    success: CREATED,
    errors: &[Code::CustomerNotFound, Code::PhoneNumberTaken, Code::CustomerIdTaken, Code::ResendTooSoon],
};

const CREATED: Success = Success {
    status: 201,
    text: "The customer.",
    headers: &[NEW_LOCATION, REVISION],
    content: Content::Json(schema::<wire::Customer<'_>>),
};

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
    let members = body.object(&CREATE_BODY).await?;
    let request = idempotency.of(&members);
    let command = create_command(members, id, state.service.phone_validation())?;
    let present = |customer: &Customer| {
        present::customer(StatusCode::CREATED, customer, caller).at(format!("/v1/customers/{}", customer.id()))
    };
    request.answer(present, async |once| state.service.create_customer(caller, command, once).await).await
}
