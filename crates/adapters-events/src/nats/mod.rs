//! NATS JetStream as the message broker.

mod link;
#[cfg(test)]
mod tests;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{CustomerId, EventType};
use ports::{EventBroker, OutgoingEvent};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

pub use self::url::{NatsUrl, check_nats_url};

use self::link::{Link, Unpublished};
use crate::cause::seconds;
use crate::{SetupError, cloud_event, trust};

/// Where and as whom to publish.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// The servers, with credentials or without.
    pub url: NatsUrl,
    /// A file with the user's JWT and seed, as `nsc` writes it.
    pub credentials: Option<PathBuf>,
    /// Who the events are from: the service's public URL.
    pub source: String,
}

/// Publishes events to JetStream over one connection, which is made at the first publish and anew at the first after it
/// was lost. Between publishes it waits for nothing; dropping it ends the connection.
pub struct NatsBroker {
    settings: NatsSettings,
    tls: ClientConfig,
    /// How long a publish takes at most, the connection and the stream included.
    limit: Duration,
    /// The connection, while it is thought to be good.
    link: Mutex<Option<Link>>,
}

/// An event, ready to be published as often as it takes.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    subject: String,
    payload: Bytes,
}

const LIMIT: Duration = Duration::from_secs(5);

impl NatsBroker {
    /// A broker behind these settings. It does not wait for the server, nor try to reach it.
    ///
    /// # Errors
    /// When the file of credentials is of no use, or there are credentials in the URL too.
    pub fn new(settings: NatsSettings) -> Result<Self, SetupError> {
        Self::with(settings, trust::roots(), LIMIT)
    }

    fn with(settings: NatsSettings, roots: RootCertStore, limit: Duration) -> Result<Self, SetupError> {
        if let Some(file) = &settings.credentials {
            if settings.url.has_credentials() {
                return Err(SetupError::CredentialsTwice);
            }
            let text = std::fs::read_to_string(file).map_err(|error| SetupError::CredentialsFile(error.kind()))?;
            async_nats::ConnectOptions::with_credentials(&text).map_err(|_| SetupError::NoCredentials)?;
        }
        let tls = trust::client_config(roots)?;
        Ok(Self { settings, tls, limit, link: Mutex::new(None) })
    }

    /// The connection: the one that there is, or a new one.
    async fn link(&self) -> Result<Link, String> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| !link.is_bad()) {
            return Ok(link.clone());
        }
        // What is lost goes first: it may hold the user's last connection.
        *link = None;
        let made = Link::connect(&self.settings, self.tls.clone(), self.limit).await?;
        Ok(link.insert(made).clone())
    }

    /// Lets go of a connection that did not do, unless another has taken its place.
    fn let_go(&self, bad: &Link) {
        bad.give_up();
        // Whoever holds the lock sees for himself, and may hold it for long.
        if let Ok(mut link) = self.link.try_lock()
            && link.as_ref().is_some_and(|link| link.is(bad))
        {
            *link = None;
        }
    }

    async fn publish_all(&self, messages: &[Option<Message>]) -> Vec<Result<(), String>> {
        let end = Instant::now() + self.limit;
        let slow = || format!("no answer from NATS within {}", seconds(self.limit));
        let link = match timeout_at(end, self.link()).await {
            Ok(Ok(link)) => link,
            Ok(Err(error)) => return vec![Err(error); messages.len()],
            Err(_) => return vec![Err(slow()); messages.len()],
        };
        let mut outcomes = link.publish(messages, end).await;
        let unbound = |outcome: &Result<(), _>| matches!(outcome, Err(Unpublished::NoStream));
        if outcomes.iter().any(unbound) {
            // Somebody has to make the stream, and somebody may have deleted it.
            if let Err(error) = link.make_stream(end).await {
                let explain = |outcome: Result<(), Unpublished>| {
                    outcome.map_err(|unpublished| match unpublished {
                        Unpublished::NoStream => Unpublished::Refused(error.clone()),
                        other => other,
                    })
                };
                outcomes = outcomes.into_iter().map(explain).collect();
            } else {
                let again = |(message, outcome): (&Option<Message>, _)| message.clone().filter(|_| unbound(outcome));
                let again: Vec<_> = messages.iter().zip(&outcomes).map(again).collect();
                let second = link.publish(&again, end).await;
                for ((outcome, second), again) in outcomes.iter_mut().zip(second).zip(&again) {
                    if again.is_some() {
                        *outcome = second;
                    }
                }
            }
        }
        if outcomes.iter().any(|outcome| matches!(outcome, Err(Unpublished::Lost | Unpublished::TimedOut))) {
            self.let_go(&link);
        }
        let said = |unpublished| match unpublished {
            Unpublished::NoStream => "no stream of NATS takes the subject".to_owned(),
            Unpublished::Lost => "the connection to NATS was lost".to_owned(),
            Unpublished::TimedOut => slow(),
            Unpublished::Refused(error) => error,
        };
        outcomes.into_iter().map(|outcome| outcome.map_err(said)).collect()
    }
}

impl NatsBroker {
    async fn purge_all(&self, subjects: &[String]) -> Result<(), String> {
        let end = Instant::now() + self.limit;
        let slow = || format!("no answer from NATS within {}", seconds(self.limit));
        let link = timeout_at(end, self.link()).await.map_err(|_| slow())??;
        // To who lacks a right NATS says nothing.
        let slow = || {
            format!(
                "no answer from NATS within {} to the purge of an erased customer's events: its user needs the rights to \
                 publish to $JS.API.STREAM.NAMES and $JS.API.STREAM.PURGE.{}",
                seconds(self.limit),
                link::STREAM
            )
        };
        let purged = link.purge(subjects, end).await;
        if let Err(Unpublished::Lost | Unpublished::TimedOut) = purged {
            self.let_go(&link);
        }
        purged.map_err(|unpurged| match unpurged {
            Unpublished::NoStream => "no stream of NATS takes the subject".to_owned(),
            Unpublished::Lost => "the connection to NATS was lost".to_owned(),
            Unpublished::TimedOut => slow(),
            Unpublished::Refused(error) => error,
        })
    }
}

impl std::fmt::Debug for NatsBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsBroker").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl EventBroker for NatsBroker {
    async fn publish(&self, events: Vec<OutgoingEvent>) -> Vec<Result<(), String>> {
        if events.is_empty() {
            return Vec::new();
        }
        let messages: Vec<_> = events.iter().map(|event| message(event, &self.settings.source)).collect();
        let mut outcomes = self.publish_all(&messages).await;
        for (outcome, message) in outcomes.iter_mut().zip(&messages) {
            if message.is_none() {
                *outcome = Err("the event is not JSON".to_owned());
            }
        }
        outcomes
    }

    async fn purge(&self, customer_id: CustomerId) -> Result<(), String> {
        let subjects = EventType::ALL.map(|kind| subject(customer_id, kind.as_str()));
        self.purge_all(&subjects).await
    }
}

fn subject(customer: CustomerId, event_type: &str) -> String {
    format!("{}.{customer}.{event_type}", link::ROOT)
}

/// What is published of an event; `None` where its JSON is none.
fn message(event: &OutgoingEvent, source: &str) -> Option<Message> {
    let payload = cloud_event::structured(event, source).ok()?;
    let subject = match event.customer_id {
        Some(customer) => subject(customer, &event.event_type),
        None => format!("{}.{}", link::ROOT, event.event_type),
    };
    Some(Message { id: event.id.to_string(), subject, payload: payload.into() })
}
