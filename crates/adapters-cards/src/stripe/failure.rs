//! Why a call came to nothing, in sentences that hold no secret, no URL and nothing about a person.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use hyper_util::client::legacy;
use ports::CardProviderError;
use serde::Deserialize;

use super::client::Refusal;

/// How a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// As it was.
    SameKey,
    /// With the next key: this one has failed for good.
    NextKey,
    /// Not within this call.
    Never,
}

/// What is wrong with one try.
pub(super) enum Trouble {
    /// It may go better another time.
    Passing {
        sentence: String,
        /// The pause that the provider asks for.
        pause: Option<Duration>,
        /// How the request may be sent again within this call.
        again: Again,
    },
    /// It goes no better another time.
    Final(String),
}

impl Trouble {
    pub(super) fn passing(sentence: impl Into<String>) -> Self {
        Self::Passing { sentence: sentence.into(), pause: None, again: Again::SameKey }
    }
}

/// What the API says of an error. Its message is left out: it quotes what was sent.
#[derive(Debug, Default)]
pub(super) struct ApiError {
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Fields,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

impl ApiError {
    /// Reads the body of an error; `None` where it is not the API's.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Fields { kind, code, decline_code, param } = serde_json::from_slice::<Envelope>(body).ok()?.error;
        let kept = |text: Option<String>| text.filter(|text| is_code(text));
        Some(Self { kind: kept(kind), code: kept(code), decline_code: kept(decline_code), param: kept(param) })
    }

    /// Whether it is about something that is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.code.as_deref() == Some("resource_missing")
    }
}

/// Whether a text is a name of the API's and not a sentence.
pub(super) fn is_code(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_[].".contains(&byte))
}

impl Refusal {
    /// The refusal as the port reports it.
    pub(super) fn into_error(self, what: &'static str) -> CardProviderError {
        let status = self.status.as_u16();
        let mut sentence = match (status, &self.error) {
            (401, _) => format!("{what}: it does not know the key in CUSTOMERS_STRIPE_SECRET_KEY"),
            (403, _) => format!("{what}: the key in CUSTOMERS_STRIPE_SECRET_KEY may not do this"),
            (_, None) => format!(
                "{what}: it answered {status}, and not as Stripe does: CUSTOMERS_STRIPE_API_URL may lead elsewhere"
            ),
            (_, Some(error)) => {
                let named = [
                    ("type", &error.kind),
                    ("code", &error.code),
                    ("decline code", &error.decline_code),
                    ("parameter", &error.param),
                ];
                let named = named.into_iter().filter_map(|(name, text)| Some(format!(", {name} {}", text.as_ref()?)));
                format!("{what}: it answered {status}{}", named.collect::<String>())
            }
        };
        if let Some(id) = self.request_id {
            sentence = format!("{sentence} (request {id})");
        }
        tracing::warn!(%sentence, "the card provider refused");
        CardProviderError::Rejected(sentence)
    }
}

/// A sentence about a request that got no answer.
pub(super) fn sentence(error: &legacy::Error) -> &'static str {
    causes(error).find_map(of_cause).unwrap_or("the request could not be sent")
}

/// Every error on the way to the first cause. One of input or output may hold another, which is not its source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

fn of_cause(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => "TLS: the certificate is not accepted",
            _ => "TLS: the handshake failed",
        });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return if error.is_parse() || error.is_parse_status() {
            Some("the answer is not HTTP, or its head is too large")
        } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            Some("the connection was closed before an answer")
        } else {
            None
        };
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::ConnectionRefused => Some("the connection was refused"),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some("the connection was closed before an answer"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Some("the address cannot be reached"),
        ErrorKind::TimedOut => Some("no connection in time"),
        _ => None,
    }
}
