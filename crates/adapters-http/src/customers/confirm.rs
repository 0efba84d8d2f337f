//! `POST /v1/customers/{customer_id}/confirm`: confirm a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{ConfirmationToken, Customer, FieldCode, FieldError};
use use_cases::Terms;

use super::{id_in_path, present};
use crate::State;
use crate::answer::Idempotency;
use crate::body::{Body, Members};
use crate::caller::AuthenticatedWriter;
use crate::precondition::Precondition;
use crate::problem::Problem;

/// Presents the token that the customer got.
pub(crate) async fn confirm(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    (idempotency, Precondition(if_match)): (Idempotency, Precondition),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.object().await?;
    let request = idempotency.of(&members);
    let token = token(members);
    let present = |customer: &Customer| present::customer(StatusCode::OK, customer, caller);
    request
        .answer(present, async |once| state.service.confirm_customer(caller, id, token, Terms { if_match, once }).await)
        .await
}

/// The token, or all that is wrong with the body: it is for the use case to say whether that matters.
pub(super) fn token(mut members: Members) -> Result<ConfirmationToken, Vec<FieldError>> {
    const NAME: &str = "confirmation_token";
    let token = members.required_text(NAME).and_then(|text| {
        let token = ConfirmationToken::parse(&text);
        token.map_err(|error| members.refuse(NAME, FieldCode::Invalid, error)).ok()
    });
    let errors = members.into_errors();
    token.filter(|_| errors.is_empty()).ok_or(errors)
}
