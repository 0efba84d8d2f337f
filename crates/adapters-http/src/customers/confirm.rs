//! `POST /v1/customers/{customer_id}/confirm`: confirm a customer.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use domain::{ConfirmationToken, Customer, FieldCode, FieldError};
use use_cases::Terms;

use super::{id_in_path, present};
use crate::State;
use crate::answer::{Idempotency, REPEATABLE};
use crate::body::{Body, Members};
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Kind, Parameter, Success, schema};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition, REVISION};
use crate::problem::{Code, Problem};

pub(crate) const CONFIRM: Description = Description {
    id: "confirm_customer",
    client: "customers.confirm",
    summary: "Confirm a customer",
    text: "Presents the token that the customer got: the number is his then, and the event `verification` tells of it. A \
           wrong token costs a try; a new one is made by *Generate a confirmation token*.",
    access: Access::Write,
    query: None,
    headers: &[REPEATABLE, IF_MATCH_PARAMETER],
    body: Some(&CONFIRM_BODY),
    success: Success {
        status: 200,
        text: "The customer.",
        headers: &[REVISION],
        content: Content::Json(schema::<wire::Customer<'_>>),
    },
    errors: &[
        Code::CustomerNotFound,
        Code::AlreadyConfirmed,
        Code::ConfirmationTokenInvalid,
        Code::ConfirmationTokenExpired,
        Code::TooManyAttempts,
    ],
};

/// What [`token`] reads.
pub(super) const CONFIRM_BODY: [Parameter; 1] = [Parameter::new(
    TOKEN,
    Kind::pattern(r"^[\s-]*([0-9][\s-]*){6}$"),
    "The six digits, as a text; spaces and hyphens are dropped.",
)
.required()
.example("042917")];

const TOKEN: &str = "confirmation_token";

/// Presents the token that the customer got.
pub(crate) async fn confirm(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    (idempotency, Precondition(if_match)): (Idempotency, Precondition),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let members = body.object(&CONFIRM_BODY).await?;
    let request = idempotency.of(&members);
    let token = token(members);
    let present = |customer: &Customer| present::customer(StatusCode::OK, customer, caller);
    request
        .answer(present, async |once| state.service.confirm_customer(caller, id, token, Terms { if_match, once }).await)
        .await
}

/// The token, or all that is wrong with the body: it is for the use case to say whether that matters.
pub(super) fn token(mut members: Members) -> Result<ConfirmationToken, Vec<FieldError>> {
    let token = members.required_text(TOKEN).and_then(|text| {
        let token = ConfirmationToken::parse(&text);
        token.map_err(|error| members.refuse(TOKEN, FieldCode::Invalid, error)).ok()
    });
    let errors = members.into_errors();
    token.filter(|_| errors.is_empty()).ok_or(errors)
}
