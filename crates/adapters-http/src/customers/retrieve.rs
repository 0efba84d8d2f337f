//! `GET` and `HEAD /v1/customers/{customer_id}`: retrieve a customer.

use actix_web::{HttpResponse, web};
use wire::CustomerUrls;

use super::{id_in_path, present};
use crate::State;
use crate::caller::Authenticated;
use crate::problem::Problem;

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
