//! `GET` and `HEAD /v1/customers/{customer_id}`: retrieve a customer.

use actix_web::{HttpResponse, web};
use wire::CustomerUrls;

use super::{id_in_path, present};
use crate::State;
use crate::caller::Authenticated;
use crate::operation::{Access, Content, Description, Success, schema};
use crate::precondition::REVISION;
use crate::problem::{Code, Problem};

pub(crate) const RETRIEVE: Description = Description {
    id: "retrieve_customer",
    client: "customers.retrieve",
    summary: "Retrieve a customer",
    text: "The customer with URLs to his own pages, where he edits billing address, shipping address and card. Each lives \
           for a while: retrieve him when you want to send one. A key with the scope `read` sees neither URLs nor token.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success {
        status: 200,
        text: "The customer.",
        headers: &[REVISION],
        content: Content::Json(schema::<wire::Customer<'_>>),
    },
    errors: &[Code::CustomerNotFound],
};

pub(crate) const PEEK: Description = Description {
    id: "check_customer",
    client: "customers.exists",
    summary: "See whether a customer is there",
    text: "The headers of *Retrieve a customer*. No URLs are made.",
    access: Access::Read,
    query: None,
    headers: &[],
    body: None,
    success: Success { status: 200, text: "The customer is there.", headers: &[REVISION], content: Content::Nothing },
    errors: &[Code::CustomerNotFound],
};

/// The customer with URLs to his own pages, for a caller who may write.
pub(crate) async fn retrieve(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (customer, links) = state.service.retrieve_customer(caller, id_in_path(&path)?).await?;
    let urls = links.map(|links| {
        let url = |code: &use_cases::LinkCode| format!("{}/l/{}", state.public_url, code.expose());
        CustomerUrls {
            billing_address: url(&links.billing_address),
            shipping_address: url(&links.shipping_address),
            card: url(&links.card),
        }
    });
    Ok(present::customer_with_urls(&customer, caller, urls).respond())
}

/// Whether the customer is there. Makes no links: nobody would get them.
pub(crate) async fn peek(
    Authenticated(caller): Authenticated,
    state: web::Data<State>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let customer = state.service.find_customer(id_in_path(&path)?).await?;
    Ok(present::customer_with_urls(&customer, caller, None).respond())
}
