//! Who is calling: the key in `Authorization`. And how often: what is too often is answered before anything is done.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web};
use futures_util::future::LocalBoxFuture;
use governor::clock::MonotonicClock;
use tokio::sync::Semaphore;
use use_cases::{ApiKeyId, Caller, Failure};

use crate::State;
use crate::guessing::Misses;
use crate::problem::Problem;
use crate::rate_limit::{CallsOfKeys, RateLimit};

/// A caller whose key was checked. A handler that takes it first answers 401 before it looks at anything else.
pub(crate) struct Authenticated(pub(crate) Caller);

/// A caller whose key may write. A handler that takes it first answers 401 or 403 before it looks at anything else; the
/// use case checks again.
pub(crate) struct AuthenticatedWriter(pub(crate) Caller);

/// The key that was used, for the request's log line.
#[derive(Clone, Copy)]
pub(crate) struct UsedKey(pub(crate) ApiKeyId);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(authenticate(&request).await?)) })
    }
}

impl FromRequest for AuthenticatedWriter {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = authenticate(&request).await?;
            caller.require_write()?;
            Ok(Self(caller))
        })
    }
}

/// What is remembered of those who call.
pub(crate) struct Callers {
    /// Keys that are none.
    misses: Misses,
    /// Who looks up a key for somebody from where keys are guessed.
    suspects: Semaphore,
    calls: Option<CallsOfKeys>,
}

impl Callers {
    /// From so many wrong keys a minute on a block of addresses is told to wait.
    const MOST_MISSES: u32 = 50;
    /// How long somebody from there waits for his turn.
    const TURN: Duration = Duration::from_secs(2);

    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        Self {
            misses: Misses::new(Self::MOST_MISSES),
            suspects: Semaphore::new(1),
            calls: limit.map(|limit| CallsOfKeys::new(limit, MonotonicClock)),
        }
    }

    /// Whose key it is. A key that works is never refused for what others from the same addresses did, so each has to be
    /// looked up; but from where keys are guessed one after the other, but for those that have worked before, so that
    /// guessing takes no more than one of the database's connections from the others.
    async fn identify(&self, state: &State, key: &str, client: IpAddr) -> Result<Caller, Problem> {
        let service = &state.service;
        let is_suspect = || self.misses.wait(client, Instant::now()).is_some() && !service.knows(key);
        let outcome = match service.recall(key) {
            Some(outcome) => outcome,
            None if !is_suspect() => service.authenticate(key).await,
            None => {
                let turn = tokio::time::timeout(Self::TURN, self.suspects.acquire()).await;
                let _turn = turn.map_err(|_| Problem::unavailable())?;
                service.authenticate(key).await
            }
        };
        outcome.map_err(|failure| match failure {
            Failure::Unauthorized => self.miss(client),
            other => other.into(),
        })
    }

    /// What to answer to somebody without a key that works, which is counted.
    fn miss(&self, client: IpAddr) -> Problem {
        let now = Instant::now();
        self.misses.count(client, now);
        match self.misses.wait(client, now) {
            None => Problem::unauthorized(),
            Some(wait) => Problem::rate_limited(
                wait,
                "Send a key that works, or wait as long as Retry-After says: too many requests without one came from \
                 your network.",
            ),
        }
    }

    /// Counts a call of a key.
    fn count(&self, key: ApiKeyId) -> Result<(), Problem> {
        let Some(calls) = &self.calls else { return Ok(()) };
        calls.count(key).map_err(|wait| {
            Problem::rate_limited(wait, "Wait as long as Retry-After says: your key has used up its limit of requests.")
        })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let state = request.app_data::<web::Data<State>>().ok_or_else(Problem::internal_error)?;
    let client = state.trusted_proxies.client_of(request.peer_addr(), request.headers());
    let Some(key) = bearer(request) else { return Err(state.callers.miss(client)) };
    let caller = state.callers.identify(state, key, client).await?;
    request.extensions_mut().insert(UsedKey(caller.key_id));
    state.callers.count(caller.key_id)?;
    Ok(caller)
}

/// The credentials of the scheme Bearer (RFC 6750), whose name is case-insensitive.
pub(crate) fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, key) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
