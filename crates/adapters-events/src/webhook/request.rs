//! The request that carries an event, signed by Standard Webhooks 1.0.0.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use ports::{WebhookMessage, WebhookSecret};
use sha2::Sha256;

use crate::cloud_event;

/// How the service calls itself.
const AGENT: &str = concat!("customers/", env!("CARGO_PKG_VERSION"));

/// The POST of an event.
pub(super) fn build(uri: Uri, message: &WebhookMessage, source: &str) -> Request<Full<Bytes>> {
    let body = message.event.payload.as_bytes();
    let id = message.event.id.to_string();
    let timestamp = message.now.timestamp().to_string();
    let signatures: Vec<_> =
        message.secrets.iter().filter_map(|secret| signature(secret, &id, &timestamp, body)).collect();

    let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let standard = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signatures.join(" "))];
    for (name, value) in standard {
        // An id, digits and base64 always are values of headers.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    cloud_event::add_headers(headers, &message.event, source);
    if let Some(repeat) = message.repeat {
        headers.insert(HeaderName::from_static("customers-repeat"), HeaderValue::from_static(repeat.as_str()));
    }
    request
}

/// One secret's signature. HMAC takes keys of any length, so there always is one.
fn signature(secret: &WebhookSecret, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}
