//! A customer as an answer.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::Customer;
use serde::Serialize;
use use_cases::Caller;
use wire::{CustomerUrls, Secrecy};

/// An answer that is one customer, its URLs `null`.
pub(super) fn customer(response: &mut HttpResponseBuilder, customer: &Customer, caller: Caller) -> HttpResponse {
    body(response, &wire::Customer::new(customer, secrecy(caller)))
}

/// An answer that is one customer with what URLs there are.
pub(super) fn customer_with_urls(customer: &Customer, caller: Caller, urls: Option<CustomerUrls>) -> HttpResponse {
    let object = wire::Customer::new(customer, secrecy(caller));
    let object = match urls {
        Some(urls) => object.with_urls(urls),
        None => object,
    };
    body(&mut HttpResponse::Ok(), &object)
}

/// What a caller may see. A key that may only read does not see what lets its holder confirm or edit.
fn secrecy(caller: Caller) -> Secrecy {
    if caller.may_write() { Secrecy::Shown } else { Secrecy::Hidden }
}

/// An answer that is something kept beside the customer.
pub(super) fn detail(document: &impl Serialize) -> HttpResponse {
    body(&mut HttpResponse::Ok(), document)
}

/// It holds personal data, and of most customers a secret: no cache on the way keeps it.
fn body(response: &mut HttpResponseBuilder, object: &impl Serialize) -> HttpResponse {
    response.insert_header((CACHE_CONTROL, "no-store")).json(object)
}
