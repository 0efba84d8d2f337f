//! `/v1/customers/{customer_id}/card`: read and remove a customer's card. Only he himself can save one.

use actix_web::{HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::precondition::Precondition;
use crate::problem::Problem;

/// What is kept of the card.
pub(crate) async fn read_card(
    _: Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let card = state.service.find_card(id_in_path(&path)?).await?;
    Ok(present::detail(&wire::Card::new(&card)).respond())
}

/// Removes the card, here and at its provider.
pub(crate) async fn delete_card(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    Precondition(if_match): Precondition,
) -> Result<HttpResponse, Problem> {
    state.service.delete_card(caller, id_in_path(&path)?, &if_match).await?;
    Ok(HttpResponse::NoContent().finish())
}
