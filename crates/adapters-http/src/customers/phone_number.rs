//! `POST` and `DELETE /v1/customers/{customer_id}/phone_number`: change a customer's number.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{Customer, FieldError, PhoneValidation};
use use_cases::{ChangeNumber, Terms};

use super::create_body::{CONFIRMATION, COUNTRY_CODE, PHONE_NUMBER, phone};
use super::{id_in_path, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::{Body, Members};
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Parameter, Success, schema};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition, REVISION};
use crate::problem::{Code, Problem};

pub(crate) const CHANGE_PHONE_NUMBER: Description = Description {
    id: "change_phone_number",
    client: "customers.change_phone_number",
    summary: "Change a customer's phone number",
    text: "The new number waits for its token, which goes out with the event `verification`; until it is confirmed the old one \
           stays the customer's. Of a customer who is not confirmed the number is replaced. With `confirmation: false` you \
           vouch for the new one: it is his at once.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE, IF_MATCH_PARAMETER],
    body: Some(&CHANGE_BODY),
    success: Success {
        status: 200,
        text: "The customer.",
        headers: &[REVISION],
        content: Content::Json(schema::<wire::Customer<'_>>),
    },
    errors: &[Code::CustomerNotFound, Code::PhoneNumberTaken, Code::AlreadyConfirmed, Code::ResendTooSoon],
};

/// What [`change_command`] reads.
const CHANGE_BODY: [Parameter; 3] =
    [PHONE_NUMBER.required().example("(418) 581-0828"), COUNTRY_CODE.required().example("CA"), CONFIRMATION];

pub(crate) const WITHDRAW_PHONE_NUMBER: Description = Description {
    id: "withdraw_phone_number",
    client: "customers.withdraw_phone_number",
    summary: "Give up a pending phone number",
    text: "The number that waits for its token is given up; the customer keeps his. The event `customer.updated` tells of it.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: None,
    success: Success { status: 204, text: "It was given up.", headers: &[], content: Content::Nothing },
    errors: &[Code::CustomerNotFound, Code::PendingPhoneNumberNotFound],
};

/// Asks for the proof of another number; the customer's own stays his until then.
pub(crate) async fn change_phone_number(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    (idempotency, Precondition(if_match)): (Idempotency, Precondition),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.object(&CHANGE_BODY).await?;
    let request = idempotency.of(&members);
    let command = change_command(members, state.service.phone_validation());
    let present = |customer: &Customer| present::customer(StatusCode::OK, customer, caller);
    request
        .answer(present, async |once| state.service.change_number(caller, id, command, Terms { if_match, once }).await)
        .await
}

/// Gives up the number that waits for its token.
pub(crate) async fn withdraw_phone_number(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    Precondition(if_match): Precondition,
) -> Result<HttpResponse, Problem> {
    state.service.withdraw_number(caller, id_in_path(&path)?, &if_match).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The number, or all that is wrong with the body: it is for the use case to say whether that matters.
fn change_command(mut members: Members, validation: PhoneValidation) -> Result<ChangeNumber, Vec<FieldError>> {
    let phone = phone(&mut members, validation);
    let confirmation = members.flag("confirmation").value().unwrap_or(true);
    let errors = members.into_errors();
    phone.filter(|_| errors.is_empty()).map(|phone| ChangeNumber { phone, confirmation }).ok_or(errors)
}
