//! Answers to requests that may be sent again (`Idempotency-Key`): written once, stored, given again.

use std::cell::Cell;
use std::future::{Ready, ready};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use domain::{FieldCode, FieldError, Refusal};
use serde::{Deserialize, Serialize};
use use_cases::{Answer, Failure, Once};

use crate::body::Members;
use crate::operation::{Kind, Parameter};
use crate::problem::Problem;

/// What [`Idempotency`] reads.
pub(crate) const REPEATABLE: Parameter = Parameter::new(
    "Idempotency-Key",
    Kind::pattern(r#"^([!#-~]([ -~]{0,253}[!-~])?|"([ !#-\[\]-~]|\\["\\]){1,255}")$"#),
    "1 to 255 characters of your own, bare or in double quotes: the request can be sent again with the same and is done once.",
);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const KEY_MUST_BE: &str = "must be one text of 1 to 255 printable ASCII characters, bare or in double quotes";
const MAX_KEY: usize = 255;

/// An answer in JSON. All of them hold personal data or secrets: no cache on the way keeps one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Presented {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl Presented {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status: status.as_u16(), location: None, etag: None, body: None }
    }

    /// An answer whose body is this document.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        // Documents are made of texts, numbers and times: writing one does not fail.
        Self { body: Some(serde_json::to_string(document).unwrap_or_default()), ..Self::empty(status) }
    }

    /// With the address of what was made.
    pub(crate) fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// With the tag of the revision that it shows.
    pub(crate) fn tagged(self, etag: String) -> Self {
        Self { etag: Some(etag), ..self }
    }

    pub(crate) fn respond(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        match self.body {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        }
    }
}

/// What is stored of an answer.
#[derive(Serialize, Deserialize)]
enum Stored {
    Done(Presented),
    Refused { code: String, detail: String, attempts_remaining: Option<u32> },
}

/// The `Idempotency-Key` of a request and what the request was sent to. A handler that takes it refuses a malformed one
/// before the body is read.
pub(crate) struct Idempotency {
    key: Option<String>,
    target: String,
}

impl FromRequest for Idempotency {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all(IDEMPOTENCY_KEY);
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().ok().and_then(read_key).map(Some).ok_or(()),
            (Some(_), Some(_)) => Err(()),
        };
        let target = format!("{} {}\n", request.method(), request.path());
        let refused = |()| {
            let error = FieldError::new("Idempotency-Key", FieldCode::Invalid, KEY_MUST_BE);
            Problem::invalid_parameters(vec![error])
        };
        ready(key.map(|key| Self { key, target }).map_err(refused))
    }
}

/// A key, bare or as a string of structured fields (RFC 9651, 3.3.3).
fn read_key(value: &str) -> Option<String> {
    let value = value.trim();
    let key = match value.strip_prefix('"') {
        None => value.to_owned(),
        Some(quoted) => {
            let (mut key, mut rest) = (String::new(), quoted.strip_suffix('"')?.chars());
            while let Some(next) = rest.next() {
                key.push(match next {
                    '"' => return None,
                    '\\' => rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
                    other => other,
                });
            }
            key
        }
    };
    let is_printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (is_printable && (1..=MAX_KEY).contains(&key.len())).then_some(key)
}

impl Idempotency {
    /// The request whose body these members were read from.
    pub(crate) fn of(self, members: &Members) -> Repeatable {
        let request = [self.target.as_bytes(), members.raw()].concat();
        Repeatable(self.key.map(|key| (key, request)))
    }
}

/// A request that its sender may send again.
pub(crate) struct Repeatable(Option<(String, Vec<u8>)>);

impl Repeatable {
    /// Does `work` once and answers with what `present` makes of it: now, and each time that the request comes again.
    pub(crate) async fn answer<T>(
        self,
        present: impl Fn(&T) -> Presented,
        work: impl AsyncFnOnce(Option<Once<'_, T>>) -> Result<Answer<T>, Failure>,
    ) -> Result<HttpResponse, Problem> {
        let recorded = Cell::new(None);
        let answer = |outcome: Result<&T, &Refusal>| {
            let stored = match outcome {
                Ok(done) => Stored::Done(present(done)),
                Err(refusal) => {
                    let problem = Problem::from(refusal.clone());
                    Stored::Refused {
                        code: problem.code.as_str().to_owned(),
                        attempts_remaining: problem.attempts_remaining(),
                        detail: problem.detail,
                    }
                }
            };
            let written = serde_json::to_vec(&stored).unwrap_or_default();
            if let Stored::Done(presented) = stored {
                recorded.set(Some(presented));
            }
            written
        };
        let once = self.0.map(|(key, request)| Once { key, request, answer: &answer });
        match work(once).await? {
            // What was recorded last is what was done.
            Answer::Fresh(done) => Ok(recorded.take().unwrap_or_else(|| present(&done)).respond()),
            Answer::Repeated(stored) => replay(&stored),
        }
    }
}

fn replay(stored: &[u8]) -> Result<HttpResponse, Problem> {
    // The error would quote the document.
    let stored = serde_json::from_slice(stored).map_err(|_| {
        tracing::error!("the stored outcome of a request cannot be read");
        Problem::internal_error()
    })?;
    match stored {
        Stored::Done(presented) => {
            let mut response = presented.respond();
            let replayed = actix_web::http::header::HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, replayed);
            Ok(response)
        }
        Stored::Refused { code, detail, attempts_remaining } => {
            Err(Problem::replayed(&code, detail, attempts_remaining))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_bare_and_quoted() {
        for (value, key) in [
            ("a", Some("a")),
            (" 8e03978e-40d5-43e8-bc93-6894a57f9324 ", Some("8e03978e-40d5-43e8-bc93-6894a57f9324")),
            ("\"8e03978e\"", Some("8e03978e")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            ("two words", Some("two words")),
            ("", None),
            ("   ", None),
            ("\"\"", None),
            ("\"open", None),
            ("\"", None),
            (r#""a"b""#, None),
            (r#""a\b""#, None),
            ("tab\there", None),
        ] {
            assert_eq!(read_key(value).as_deref(), key, "{value:?}");
        }
        assert!(read_key(&"k".repeat(255)).is_some() && read_key(&"k".repeat(256)).is_none());
        assert!(read_key(&format!("\"{}\"", "k".repeat(255))).is_some());
    }
}
