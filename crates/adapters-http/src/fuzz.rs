//! Whatever is sent in place of a body's JSON: query strings, forms, links, keys and headers. Bodies of operations stand
//! beside their readers (`customers/fuzz.rs`).
//!
//! `scripts/fuzz` gives a million inputs to each of these tests and their like in the other crates. What takes apart something
//! else that callers write gets its test here; a cursor is taken apart in `use-cases`.

use std::net::SocketAddr;

use actix_web::http::header::{HeaderMap, HeaderValue, X_FORWARDED_FOR};
use domain::EventId;
use proptest::prelude::*;
use use_cases::LinkCode;

use crate::body::{Form, Members};
use crate::client_address::TrustedProxies;
use crate::operation::{Kind, Parameter};
use crate::query::{LIMIT, Query};
use crate::rate_limit::RateLimit;

const KNOWN: [Parameter; 2] = [LIMIT, Parameter::new("after", Kind::Text, "")];

fn query_string() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,80}",
        "([a-z]{0,6}(=[a-z0-9%+]{0,6})?&?){0,20}",
        "(limit=[0-9+ -]{0,12}&?){0,3}(after=evt_[0-9a-f]{0,32}&?){0,2}",
        "(%[0-9a-fA-F]{2}|%|&|=|\\+|;){0,60}",
    ]
}

proptest! {
    #[test]
    fn a_query_string_gives_what_is_within_bounds_and_all_else_is_told(text in query_string()) {
        let mut query = Query::parse(&text, &KNOWN);
        let limit = query.limit();
        let after = query.take("after", "must be the id of an event", EventId::parse);
        prop_assert!((1..=100).contains(&limit));
        let finished = query.finish();
        if finished.is_ok() {
            // What is accepted says nothing but these two.
            let told = url::form_urlencoded::parse(text.as_bytes()).all(|(name, _)| name == "limit" || name == "after");
            prop_assert!(told || text.is_empty());
        }
        if let Some(id) = after {
            prop_assert_eq!(EventId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn a_form_is_read_whatever_it_is(bytes in prop::collection::vec(any::<u8>(), 0..200), text in query_string()) {
        let _ = Form::read(&bytes).text("city").len();
        let form = Form::read(text.as_bytes());
        let last = url::form_urlencoded::parse(text.as_bytes()).filter(|(name, _)| name == "limit").last();
        prop_assert_eq!(form.text("limit").to_owned(), last.map(|(_, value)| value.into_owned()).unwrap_or_default());
    }

    #[test]
    fn a_body_is_an_object_or_refused(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\",:0-9eE.+a-z\\\\u -]{0,120}".prop_map(String::into_bytes),
    ]) {
        let is_object = serde_json::from_slice::<serde_json::Map<_, _>>(&bytes).is_ok();
        prop_assert_eq!(Members::parse(&bytes, &[]).is_ok(), is_object);
    }

    #[test]
    fn a_link_code_is_what_it_was_read_from(text in prop_oneof![".{0,20}", "[A-Za-z0-9]{11,13}", "[A-Za-z0-9]{11}\\PC"]) {
        if let Some(code) = LinkCode::parse(&text) {
            prop_assert_eq!(code.expose(), &text);
            prop_assert!((11..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn of_forwarded_addresses_nobody_is_believed_but_by_a_trusted_proxy(
        values in prop::collection::vec(prop_oneof!["[0-9a-f.:, \\[\\]]{0,40}", "(10\\.[0-9]{1,3}\\.1\\.2, ?){0,3}"], 0..3),
        trusted in any::<bool>(),
    ) {
        let proxies = TrustedProxies::parse(if trusted { "10.0.0.0/8" } else { "192.0.2.0/24" }).unwrap();
        let peer: SocketAddr = "10.1.1.1:4711".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(&value).unwrap());
        }
        let client = proxies.client_of(Some(peer), &headers);
        prop_assert!(trusted || client == peer.ip());
    }

    #[test]
    fn a_rate_limit_is_read_or_refused_with_a_reason(text in prop_oneof![".{0,20}", "[0-9]{0,12}/[smhd]?"]) {
        if let Err(must_be) = RateLimit::parse(&text) {
            prop_assert!(must_be.starts_with("must be"));
        }
    }
}
