//! The envelope of an event: CloudEvents 1.0, over HTTP (binary mode) and over NATS (structured mode).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ports::OutgoingEvent;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::WireTime;

const SPEC_VERSION: &str = "1.0";

/// What a header's value percent-encodes (HTTP binding, 3.1.3.2). What is not ASCII always is.
const IN_HEADERS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Adds the event's attributes to headers. Its type of content is HTTP's own header.
pub(crate) fn add_headers(headers: &mut HeaderMap, event: &OutgoingEvent, source: &str) {
    let mut add = |name: &'static str, value: &str| {
        let value = utf8_percent_encode(value, IN_HEADERS).to_string();
        // Percent-encoded, it always is the value of a header.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("ce-specversion", SPEC_VERSION);
    add("ce-id", &event.id.to_string());
    add("ce-source", source);
    add("ce-type", &event.event_type);
    add("ce-time", &WireTime(event.occurred_at).to_string());
    if let Some(customer) = event.customer_id {
        add("ce-subject", &customer.to_string());
    }
}

/// What a structured event calls itself.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json";

#[derive(Serialize)]
struct Structured<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    time: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    datacontenttype: &'static str,
    data: &'a RawValue,
}

/// The event and its attributes in one JSON document. The event's own JSON stands in it byte for byte.
///
/// # Errors
/// When the event's JSON is none.
pub(crate) fn structured(event: &OutgoingEvent, source: &str) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Structured {
        specversion: SPEC_VERSION,
        id: event.id.to_string(),
        source,
        kind: &event.event_type,
        time: WireTime(event.occurred_at),
        subject: event.customer_id.map(|id| id.to_string()),
        datacontenttype: "application/json",
        data: serde_json::from_str(&event.payload)?,
    })
}
