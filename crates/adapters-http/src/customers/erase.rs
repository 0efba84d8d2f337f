//! `DELETE /v1/customers/{customer_id}`: erase a customer.

use actix_web::{HttpResponse, web};

use super::id_in_path;
use crate::State;
use crate::caller::AuthenticatedWriter;
use crate::operation::{Access, Content, Description, Success};
use crate::precondition::{IF_MATCH_PARAMETER, Precondition};
use crate::problem::{Code, Problem};

pub(crate) const ERASE: Description = Description {
    id: "erase_customer",
    client: "customers.del",
    summary: "Erase a customer",
    text: "Erases the customer and all that is kept about him; his number is free again, his id never is. Of his events \
           stays that there were some, and the event `customer.erased` tells of it.",
    access: Access::Write,
    query: None,
    headers: &[IF_MATCH_PARAMETER],
    body: None,
    success: Success { status: 204, text: "He was erased.", headers: &[], content: Content::Nothing },
    errors: &[Code::CustomerNotFound],
};

/// Erases a customer and all that is kept about him.
pub(crate) async fn erase(
    AuthenticatedWriter(caller): AuthenticatedWriter,
    state: web::Data<State>,
    path: web::Path<String>,
    Precondition(if_match): Precondition,
) -> Result<HttpResponse, Problem> {
    state.service.erase_customer(caller, id_in_path(&path)?, &if_match).await?;
    Ok(HttpResponse::NoContent().finish())
}
