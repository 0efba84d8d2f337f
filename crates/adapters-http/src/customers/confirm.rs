//! `POST /v1/customers/{customer_id}/confirm`: confirm a customer.

use actix_web::{HttpResponse, web};
use domain::{ConfirmationToken, FieldCode};

use super::{id_in_path, present};
use crate::State;
use crate::body::{Body, Members};
use crate::caller::AuthenticatedWriter;
use crate::problem::Problem;

/// Presents the token that the customer got.
pub(crate) async fn confirm(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let id = id_in_path(&path)?;
    let token = token(body.object().await?)?;
    let customer = state.service.confirm_customer(caller, id, token).await?;
    Ok(present::customer(&mut HttpResponse::Ok(), &customer, caller))
}

fn token(mut members: Members) -> Result<ConfirmationToken, Problem> {
    const NAME: &str = "confirmation_token";
    let text = members.required_text(NAME).unwrap_or_default();
    let token = ConfirmationToken::parse(&text);
    if let (Err(error), false) = (token, text.is_empty()) {
        members.refuse(NAME, FieldCode::Invalid, error);
    }
    members.finish()?;
    token.map_err(|_| Problem::internal_error())
}
