//! A customer as an answer.

use actix_web::http::StatusCode;
use domain::Customer;
use serde::Serialize;
use use_cases::Caller;
use wire::{CustomerUrls, Secrecy};

use crate::answer::Presented;
use crate::precondition::etag;

/// An answer that is one customer, its URLs `null`.
pub(super) fn customer(status: StatusCode, customer: &Customer, caller: Caller) -> Presented {
    Presented::json(status, &wire::Customer::new(customer, secrecy(caller))).tagged(etag(customer))
}

/// An answer that is one customer with what URLs there are.
pub(super) fn customer_with_urls(customer: &Customer, caller: Caller, urls: Option<CustomerUrls>) -> Presented {
    let object = wire::Customer::new(customer, secrecy(caller));
    let object = match urls {
        Some(urls) => object.with_urls(urls),
        None => object,
    };
    Presented::json(StatusCode::OK, &object).tagged(etag(customer))
}

/// What a caller may see. A key that may only read does not see what lets its holder confirm or edit.
pub(super) fn secrecy(caller: Caller) -> Secrecy {
    if caller.may_write() { Secrecy::Shown } else { Secrecy::Hidden }
}

/// An answer that is something kept beside the customer.
pub(super) fn detail(document: &impl Serialize) -> Presented {
    Presented::json(StatusCode::OK, document)
}
