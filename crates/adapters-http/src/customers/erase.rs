//! `DELETE /v1/customers/{customer_id}`: erase a customer.

use actix_web::{HttpResponse, web};

use super::id_in_path;
use crate::State;
use crate::caller::AuthenticatedWriter;
use crate::precondition::Precondition;
use crate::problem::Problem;

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
