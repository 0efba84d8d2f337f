//! `POST` and `DELETE /v1/customers/{customer_id}/phone_number`: change a customer's number.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{Customer, FieldError, PhoneValidation};
use use_cases::{ChangeNumber, Terms};

use super::create_body::phone;
use super::{id_in_path, present};
use crate::State;
use crate::answer::Idempotency;
use crate::body::{Body, Members};
use crate::caller::AuthenticatedWriter;
use crate::precondition::Precondition;
use crate::problem::Problem;

/// Asks for the proof of another number; the customer's own stays his until then.
pub(crate) async fn change_phone_number(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    (idempotency, Precondition(if_match)): (Idempotency, Precondition),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.object().await?;
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
