//! One call of the API: a request, its repetitions, and what came of them.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ports::CardProviderError;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::{self, Again, Trouble};
use super::settings::StripeSettings;
use super::trust;
use crate::SetupError;

/// The version of the API that is spoken, whatever the account's own is.
const VERSION: &str = "2024-06-20";
/// How the service calls itself.
const AGENT: &str = concat!("customers/", env!("CARGO_PKG_VERSION"));
/// The most bytes of an answer.
const MAX_BODY: usize = 256 * 1024;
/// The most bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;
/// How often a request is sent at most, not counting those that were answered with a failure of before.
const MAX_TRIES: u32 = 3;
/// How many keys a request has at most after its first one.
const MAX_NEXT_KEYS: u32 = 8;
/// How long a connection is kept for the next call.
const IDLE: Duration = Duration::from_secs(20);

/// How long a call waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For all of it: every request of a call, every repetition, and the pauses between them.
    pub(super) whole: Duration,
    /// For one answer, from the beginning of its request.
    pub(super) one: Duration,
    /// For a connection.
    pub(super) connecting: Duration,
    /// Before the first repetition; twice that before the second.
    pub(super) pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            whole: Duration::from_secs(10),
            one: Duration::from_secs(6),
            connecting: Duration::from_secs(3),
            pause: Duration::from_millis(300),
        }
    }
}

/// What is asked of the API.
pub(super) struct Ask<'a> {
    /// The path below the API's URL, with the query.
    pub(super) path: String,
    /// What is to be done, in words, for errors and the log.
    pub(super) what: &'static str,
    /// The form of a POST; without one it is a GET.
    pub(super) form: Option<&'a [(&'a str, &'a str)]>,
    /// What tells this request from others with the same path and form, where they are not to be the same.
    pub(super) once_for: &'a str,
}

/// An answer that is not 2xx and not to be tried again.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What the answer says of the error, where it is one of the API's.
    pub(super) error: Option<failure::ApiError>,
    /// The provider's id of the request, by which its support and its dashboard find it.
    pub(super) request_id: Option<String>,
}

/// What came of a call.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// Whether it is the answer to an earlier request with the same key, as it was then.
    pub(super) is_replayed: bool,
}

/// A client of one API. Cheap to clone.
#[derive(Clone)]
pub(super) struct Api {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    authorization: HeaderValue,
    limits: Limits,
}

impl Api {
    pub(super) fn new(settings: &StripeSettings, limits: Limits) -> Result<Self, SetupError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(limits.connecting));
        http.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(MAX_HEAD)
            .build(HttpsConnector::from((http, trust::client_config()?)));
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", settings.secret_key.expose()))
            .map_err(|_| SetupError::SecretKey)?;
        authorization.set_sensitive(true);
        Ok(Self { client, url: settings.api_url.as_str().trim_end_matches('/').to_owned(), authorization, limits })
    }

    /// By when a call that begins now has ended.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.whole
    }

    /// Asks until there is an answer, the tries or the keys are used up, or the deadline is near.
    ///
    /// The provider keeps the first answer to a key for a day, a failure of its own too, and a request has the same key
    /// whenever it is asked. So a failure that comes back as it was kept has spent its key, and the request goes on with
    /// the next. Each call begins with the first key, and all take the next ones in the same order: they meet at the
    /// first key that did not fail, and what was made with it is not made again. Whatever else goes wrong leaves the key
    /// as it is: what came of it is not known.
    pub(super) async fn call(
        &self,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Result<Result<Answer, Refusal>, CardProviderError> {
        let uri: Uri = format!("{}{}", self.url, ask.path)
            .parse()
            .map_err(|_| CardProviderError::Rejected(format!("{}: the address cannot be written", ask.what)))?;
        let body = ask.form.map(encode).unwrap_or_default();
        let first_key = key(&ask.path, &body, ask.once_for);
        let mut key = first_key.clone();
        let (mut tried, mut failed_keys) = (1, 0);
        loop {
            let request = self.request(&uri, ask.form.is_some().then_some(&key), &body);
            let tried_once = self.try_once(request, deadline.min(Instant::now() + self.limits.one));
            let (sentence, asked, again) = match tried_once.await {
                Ok(answered) => return Ok(answered),
                Err(Trouble::Final(sentence)) => {
                    tracing::warn!(call = ask.what, %sentence, "the card provider's answer is of no use");
                    return Err(CardProviderError::Rejected(format!("{}: {sentence}", ask.what)));
                }
                Err(Trouble::Passing { sentence, pause, again }) => (sentence, pause, again),
            };
            tracing::warn!(call = ask.what, tried, failed_keys, %sentence, "the card provider is unavailable");
            let pause = match again {
                Again::SameKey if tried < MAX_TRIES => {
                    tried += 1;
                    Some(self.pause(tried - 1, &key))
                }
                Again::NextKey if ask.form.is_some() && failed_keys < MAX_NEXT_KEYS => {
                    failed_keys += 1;
                    key = next_key(&first_key, failed_keys);
                    Some(Duration::ZERO)
                }
                Again::SameKey | Again::NextKey | Again::Never => None,
            };
            // A pause that was asked for is kept or not waited for at all: to come too early makes matters worse.
            let pause = pause.map(|pause| pause.max(asked.unwrap_or(Duration::ZERO)));
            match pause.filter(|pause| Instant::now() + *pause < deadline) {
                Some(pause) => sleep(pause).await,
                None => return Err(CardProviderError::Unavailable(format!("{}: {sentence}", ask.what))),
            }
        }
    }

    /// The pause after a try: longer each time, and not the same for all that failed at once. What tells them apart is
    /// their key, which is as good as random.
    fn pause(&self, tried: u32, key: &str) -> Duration {
        let base = self.limits.pause * 2_u32.pow(tried.saturating_sub(1));
        let digest = Sha256::new().chain_update(key).chain_update(tried.to_be_bytes()).finalize();
        base + base * u32::from(digest[0]) / 255
    }

    fn request(&self, uri: &Uri, key: Option<&String>, body: &str) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        uri.clone_into(request.uri_mut());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(HeaderName::from_static("stripe-version"), HeaderValue::from_static(VERSION));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(key) = key {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            // Hexadecimal digits always are the value of a header.
            if let Ok(key) = HeaderValue::try_from(key) {
                headers.insert(HeaderName::from_static("idempotency-key"), key);
            }
            *request.method_mut() = Method::POST;
        }
        request
    }

    async fn try_once(&self, request: Request<Full<Bytes>>, end: Instant) -> Result<Result<Answer, Refusal>, Trouble> {
        let late = || Trouble::passing("no answer in time");
        let response = timeout_at(end, self.client.request(request)).await.map_err(|_| late())?;
        let response = response.map_err(|error| Trouble::passing(failure::sentence(&error)))?;
        let (head, body) = response.into_parts();
        let body = timeout_at(end, Limited::new(body, MAX_BODY).collect()).await.map_err(|_| late())?;
        let body = body.map(http_body_util::Collected::to_bytes);
        let status = head.status;
        let is_replayed = is_replayed(&head.headers);
        if status == StatusCode::CONFLICT || status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let again = if status.is_server_error() && is_replayed {
                // Whatever it says of trying again: that is about this key.
                Again::NextKey
            } else if may_repeat(&head.headers) {
                Again::SameKey
            } else {
                Again::Never
            };
            let as_before = if is_replayed { " as before" } else { "" };
            let sentence = format!("it answered {}{as_before}{}", status.as_u16(), said_by(&head.headers));
            return Err(Trouble::Passing { sentence, pause: retry_after(&head.headers), again });
        }
        let body = body.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                Trouble::Final("the answer is longer than 256 KiB".to_owned())
            } else {
                Trouble::passing("the connection was closed within the answer")
            }
        })?;
        if status.is_success() {
            return Ok(Ok(Answer { body, is_replayed }));
        }
        if !status.is_client_error() {
            let sentence =
                format!("it answered {}: CUSTOMERS_STRIPE_API_URL must be its last address", status.as_u16());
            return Err(Trouble::Final(sentence));
        }
        let (error, request_id) = (failure::ApiError::read(&body), request_id(&head.headers));
        Ok(Err(Refusal { status, error, request_id }))
    }
}

/// A form as `application/x-www-form-urlencoded`.
fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// What makes a request the same as an earlier one: all that is in it, and what it is for. So a release that asks for
/// something else has other keys, and never meets an answer to what another asked for.
fn key(path: &str, body: &str, once_for: &str) -> String {
    let mut hash = Sha256::new();
    for part in [VERSION, path, body, once_for] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    crate::hex(&hash.finalize())
}

/// The key of a request after so many of its keys have failed: the same whenever it is asked for, like the first.
fn next_key(first: &str, failed: u32) -> String {
    crate::hex(
        &Sha256::new().chain_update("next key").chain_update(first).chain_update(failed.to_be_bytes()).finalize(),
    )
}

/// Whether an answer is that to an earlier request with the same key.
fn is_replayed(headers: &HeaderMap) -> bool {
    headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

/// How long the provider wants to be left alone, where it says so in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(u64::from(u32::min(seconds, 86_400))))
}

/// Whether the same request may end otherwise. The provider mostly says that it would not where the failure is its own:
/// it has kept that as the answer to the key.
fn may_repeat(headers: &HeaderMap) -> bool {
    headers.get("stripe-should-retry").is_none_or(|value| value != "false")
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("request-id")?.to_str().ok()?;
    super::is_id(id).then(|| id.to_owned())
}

fn said_by(headers: &HeaderMap) -> String {
    request_id(headers).map(|id| format!(" (request {id})")).unwrap_or_default()
}
