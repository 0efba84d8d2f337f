//! `/v1/customers/{customer_id}/card`: read and remove a customer's card. Only he himself can save one.

use actix_web::{HttpResponse, web};

use super::{id_in_path, present};
use crate::State;
use crate::caller::{Authenticated, AuthenticatedWriter};
use crate::operation::{Access, Content, Description, Success, schema};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition};
use crate::problem::{Code, Problem};

pub(crate) const READ_CARD: Description = Description {
    id: "read_card",
    client: "card.retrieve",
    summary: "Read a customer's card",
    text: "What is kept of the card: never its number. Only the customer can save one, behind the `card_url` of *Retrieve a \
           customer*.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success { status: 200, text: "The card.", headers: &[], content: Content::Json(schema::<wire::Card<'_>>) },
    errors: &[Code::CustomerNotFound, Code::CardNotFound],
};

pub(crate) const DELETE_CARD: Description = Description {
    id: "delete_card",
    client: "card.del",
    summary: "Remove a card",
    text: "Removes the card, here and at its provider. The event `customer.updated` tells of it.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: None,
    success: Success { status: 204, text: "The card was removed.", headers: &[], content: Content::Nothing },
    errors: &[Code::CustomerNotFound, Code::CardNotFound],
};

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
