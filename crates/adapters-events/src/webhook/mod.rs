//! Webhooks: one event, one POST, and what came of it.

mod answer;
mod connector;
mod failure;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{DeliveryTry, TimeDelta};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ports::{WebhookMessage, WebhookReply, WebhookSender};
use rustls::RootCertStore;
use tokio::time::timeout;

use self::connector::{Connector, Lookup};
use crate::cause::seconds;
use crate::target::{NotATarget, Target};
use crate::{AllowedNetworks, SetupError, trust};

/// Sends webhooks over HTTP/1.1, with a pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct WebhookClient {
    /// Who the events are from.
    source: Arc<str>,
    networks: Arc<AllowedNetworks>,
    limits: Limits,
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
}

/// How long a try waits.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For the status, from the beginning.
    answer: Duration,
    /// For the addresses of a name, and then for a connection.
    connecting: Duration,
    /// For the body, after the status.
    body: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: Duration::from_secs(15), connecting: Duration::from_secs(5), body: Duration::from_secs(2) }
    }
}

/// How long a connection is kept for the next event. Receivers close theirs after five seconds (Node) or more: a
/// request that crosses such an end on its way has failed, since nobody can tell whether it was read. A request of
/// which nothing was written yet is sent again by the pool itself, over another connection.
const IDLE: Duration = Duration::from_secs(4);
/// How many connections are kept for one receiver.
const IDLE_CONNECTIONS: usize = 128;
/// The most bytes of an answer's head.
const MAX_HEAD: usize = 64 * 1024;

impl WebhookClient {
    /// A client that says its events are from `source` (the service's public URL) and sends to public addresses and
    /// `networks`. It believes the certificate authorities of the machine, or Mozilla's where it has none; it uses no
    /// proxy.
    ///
    /// # Errors
    /// When the TLS library does not take its settings.
    pub fn new(source: String, networks: AllowedNetworks) -> Result<Self, SetupError> {
        Self::with(source, networks, trust::roots(), connector::system_lookup(), Limits::default())
    }

    fn with(
        source: String,
        networks: AllowedNetworks,
        roots: RootCertStore,
        lookup: Lookup,
        limits: Limits,
    ) -> Result<Self, SetupError> {
        let networks = Arc::new(networks);
        let mut tls = trust::client_config(roots)?;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = Connector::new(Arc::clone(&networks), lookup, limits.connecting);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(MAX_HEAD)
            .build(HttpsConnector::from((connector, tls)));
        Ok(Self { source: source.into(), networks, limits, client })
    }

    /// Sends, and waits for a status.
    async fn try_once(&self, message: &WebhookMessage) -> Result<Response<Incoming>, String> {
        let target = Target::read(&message.url, &self.networks).map_err(|error| match error {
            NotATarget::NotAllowed(kind) => failure::not_allowed(kind),
            NotATarget::Malformed(_) => failure::NO_TARGET.to_owned(),
        })?;
        let request = request::build(target.uri, message, &self.source);
        match timeout(self.limits.answer, self.client.request(request)).await {
            Ok(answered) => answered.map_err(|error| failure::sentence(&error, self.limits.connecting)),
            Err(_) => Err(format!("no answer within {}", seconds(self.limits.answer))),
        }
    }
}

impl std::fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookClient").field("networks", &self.networks).finish_non_exhaustive()
    }
}

#[async_trait]
impl WebhookSender for WebhookClient {
    fn check_url(&self, url: &str) -> Result<String, String> {
        match Target::read(url, &self.networks) {
            Ok(target) => Ok(target.url.into()),
            Err(error) => Err(error.requirement()),
        }
    }

    async fn send(&self, message: WebhookMessage) -> WebhookReply {
        let begun = Instant::now();
        let response = self.try_once(&message).await;
        let took = begun.elapsed();
        let mut tried = DeliveryTry {
            at: message.now,
            duration: TimeDelta::milliseconds(i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            status_code: response.as_ref().ok().map(Response::status).map(StatusCode::into),
            answer: None,
            error: None,
        };
        let mut retry_after = None;
        match response {
            // The status is the outcome, whatever becomes of the body.
            Ok(response) => {
                retry_after = answer::retry_after(response.headers(), message.now);
                let left = self.limits.answer.saturating_sub(took).min(self.limits.body);
                tried.answer = answer::beginning(response.into_body(), left).await;
            }
            Err(error) => tried.error = Some(error),
        }
        WebhookReply { tried, retry_after }
    }
}
