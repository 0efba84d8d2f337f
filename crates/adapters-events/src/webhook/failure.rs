//! Why there was no answer.

use std::time::Duration;

use hyper_util::client::legacy::Error;

use super::connector::Unreachable;
use crate::cause::{CLOSED, causes, of_connection};

/// That a stored URL is none that events are sent to; it was when it was stored.
pub(super) const NO_TARGET: &str = "the URL is not one that events are sent to";

/// That nothing is sent to an address.
pub(super) fn not_allowed(kind: &str) -> String {
    format!("the address is not allowed: it is {kind}")
}

/// A sentence about a request that has failed, without what it was about.
pub(super) fn sentence(error: &Error, connecting: Duration) -> String {
    let known = causes(error).find_map(|cause| {
        if let Some(unreachable) = cause.downcast_ref::<Unreachable>() {
            return Some(unreachable.to_string());
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            return of_http(error).map(str::to_owned);
        }
        of_connection(cause, connecting)
    });
    known.unwrap_or_else(|| "the request could not be sent".to_owned())
}

fn of_http(error: &hyper::Error) -> Option<&'static str> {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Some(CLOSED)
    } else if error.is_parse() || error.is_parse_status() {
        Some("the answer is not HTTP, or its headers are too large")
    } else {
        None
    }
}
