//! One connection to NATS, and what goes over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::{
    Context, ContextBuilder, CreateStreamErrorKind, GetStreamByNameErrorKind, PublishAckFuture, PublishError,
    PublishErrorKind,
};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{ConnectError, ConnectErrorKind, ConnectOptions, Event};
use futures_util::future::join_all;
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::url::Credentials;
use super::{Message, NatsSettings};
use crate::cause::{causes, of_connection, seconds};
use crate::cloud_event;

/// What every subject begins with.
pub(super) const ROOT: &str = "customers";
/// The stream that is made where no other takes the subjects.
pub(super) const STREAM: &str = "CUSTOMERS";
/// How long it keeps events.
const MAX_AGE: Duration = Duration::from_hours(30 * 24);
/// Within this time an event that is published again is stored once.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(10);
/// How many acknowledgements are waited for at a time: more than anybody publishes at once, so that publishers never
/// wait for each other's.
const UNACKNOWLEDGED: usize = 100_000;

/// A connection. Its clones are the same one, which ends with the last of them.
#[derive(Clone)]
pub(super) struct Link {
    context: Context,
    lost: watch::Receiver<bool>,
    given_up: Arc<AtomicBool>,
}

/// Why an event is not known to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unpublished {
    /// No stream takes its subject.
    NoStream,
    /// The connection ended first.
    Lost,
    /// There was no answer in time.
    TimedOut,
    /// NATS does not take it.
    Refused(String),
}

impl Link {
    /// Connects to the first server that answers. The library's own way to reconnect is not used: it keeps what was
    /// sent before, and its task goes on when nobody wants the connection any more. One round over the servers is as
    /// little of it as can be set.
    pub(super) async fn connect(settings: &NatsSettings, tls: ClientConfig, limit: Duration) -> Result<Self, String> {
        let servers = settings.url.servers.clone();
        let (send_lost, lost) = watch::channel(false);
        // A share for each server, so that one that is silent leaves time for the next.
        let share = limit.mul_f32(0.8) / u32::try_from(servers.len()).unwrap_or(u32::MAX).max(1);
        let mut options = ConnectOptions::new()
            .name("customers")
            .tls_client_config(tls)
            .connection_timeout(share)
            .max_reconnects(servers.len())
            .reconnect_delay_callback(|_| Duration::ZERO)
            .ignore_discovered_servers()
            .no_echo()
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    send_lost.send_replace(true);
                }
                std::future::ready(())
            });
        options = match &settings.url.credentials {
            Some(Credentials::User { name, password }) => options.user_and_password(name.clone(), password.clone()),
            Some(Credentials::Token(token)) => options.token(token.clone()),
            None => options,
        };
        if let Some(file) = &settings.credentials {
            // Read anew: the file may have been replaced.
            options = options
                .credentials_file(file)
                .await
                .map_err(|_| "the file of NATS credentials cannot be read, or holds none".to_owned())?;
        }
        let client = options.connect(servers).await.map_err(|error| unconnected(&error, share))?;
        let context =
            ContextBuilder::new().timeout(limit).ack_timeout(limit).max_ack_inflight(UNACKNOWLEDGED).build(client);
        Ok(Self { context, lost, given_up: Arc::default() })
    }

    /// Whether it has ended, or is to be used no more.
    pub(super) fn is_bad(&self) -> bool {
        *self.lost.borrow() || self.given_up.load(Ordering::Relaxed)
    }

    /// Says that it did not do. What is under way on it goes on.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Waits for its end.
    #[cfg(test)]
    pub(super) async fn lost(&self) {
        let mut lost = self.lost.clone();
        lost.wait_for(|lost| *lost).await.ok();
    }

    /// Whether both are the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.given_up, &other.given_up)
    }

    /// Publishes messages in their order and waits for all acknowledgements, until `end`. Nothing is published for a
    /// `None`, which counts as published.
    pub(super) async fn publish(&self, messages: &[Option<Message>], end: Instant) -> Vec<Result<(), Unpublished>> {
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            sent.push(match message {
                Some(message) => self.send(message, end).await.map(Some),
                None => Ok(None),
            });
        }
        join_all(sent.into_iter().map(|sent| self.acknowledged(sent, end))).await
    }

    async fn send(&self, message: &Message, end: Instant) -> Result<PublishAckFuture, Unpublished> {
        let publish = PublishMessage::build()
            .message_id(&message.id)
            .header("content-type", cloud_event::STRUCTURED)
            .payload(message.payload.clone());
        match timeout_at(end, self.context.send_publish(message.subject.clone(), publish)).await {
            Ok(sent) => sent.map_err(|error| unpublished(&error)),
            Err(_) => Err(Unpublished::TimedOut),
        }
    }

    async fn acknowledged(
        &self,
        sent: Result<Option<PublishAckFuture>, Unpublished>,
        end: Instant,
    ) -> Result<(), Unpublished> {
        let Some(ack) = sent? else { return Ok(()) };
        let mut lost = self.lost.clone();
        tokio::select! {
            // An acknowledgement that has come counts, whatever came after it.
            biased;
            acked = timeout_at(end, ack.into_future()) => match acked {
                Ok(acked) => acked.map(|_| ()).map_err(|error| unpublished(&error)),
                Err(_) => Err(Unpublished::TimedOut),
            },
            // Its sender ends with the connection too.
            _ = lost.wait_for(|lost| *lost) => Err(Unpublished::Lost),
        }
    }

    /// Removes what is stored under these subjects, each in the stream that takes it. Where none does, nothing is stored.
    pub(super) async fn purge(&self, subjects: &[String], end: Instant) -> Result<(), Unpublished> {
        let purge = async {
            for subject in subjects {
                let name = match self.context.stream_by_subject(subject).await {
                    Ok(name) => name,
                    Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => continue,
                    Err(error) => return Err(unpurged(&error)),
                };
                let stream = self.context.get_stream_no_info(name).await.map_err(|error| unpurged(&error))?;
                stream.purge().filter(subject).await.map_err(|error| unpurged(&error))?;
            }
            Ok(())
        };
        let mut lost = self.lost.clone();
        tokio::select! {
            biased;
            purged = timeout_at(end, purge) => purged.unwrap_or(Err(Unpublished::TimedOut)),
            _ = lost.wait_for(|lost| *lost) => Err(Unpublished::Lost),
        }
    }

    /// Makes the stream, where no stream has its name or its subjects; one that has is left as it is.
    pub(super) async fn make_stream(&self, end: Instant) -> Result<(), String> {
        let config = Config {
            name: STREAM.to_owned(),
            subjects: vec![format!("{ROOT}.>")],
            description: Some("Events of Customers".to_owned()),
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_age: MAX_AGE,
            duplicate_window: DUPLICATE_WINDOW,
            ..Config::default()
        };
        let made = timeout_at(end, self.context.create_stream(config)).await;
        let Ok(made) = made else { return Err("NATS does not make the stream in time".to_owned()) };
        match made.map_err(|error| error.kind()) {
            Ok(_) => Ok(()),
            Err(CreateStreamErrorKind::JetStream(error))
                if [ErrorCode::STREAM_NAME_EXIST, ErrorCode::STREAM_SUBJECT_OVERLAP].contains(&error.error_code()) =>
            {
                Ok(())
            }
            Err(CreateStreamErrorKind::JetStreamUnavailable) => Err("NATS has no JetStream".to_owned()),
            Err(CreateStreamErrorKind::JetStream(error)) => {
                Err(format!("NATS does not make the stream {STREAM}: {}", described(&error)))
            }
            Err(_) => Err(format!("NATS does not make the stream {STREAM}")),
        }
    }
}

/// What NATS said. It says nothing to who lacks the right to ask; that the connection has ended is noticed by itself.
fn unpurged(error: &(dyn std::error::Error + 'static)) -> Unpublished {
    match causes(error).find_map(|cause| cause.downcast_ref::<jetstream::Error>()) {
        Some(refusal) => Unpublished::Refused(format!("NATS does not purge it: {}", described(refusal))),
        None => Unpublished::TimedOut,
    }
}

fn unpublished(error: &PublishError) -> Unpublished {
    match error.kind() {
        PublishErrorKind::StreamNotFound => Unpublished::NoStream,
        PublishErrorKind::TimedOut => Unpublished::TimedOut,
        PublishErrorKind::MaxPayloadExceeded => Unpublished::Refused("the event is larger than NATS takes".to_owned()),
        _ => match causes(error).find_map(|cause| cause.downcast_ref::<jetstream::Error>()) {
            Some(refusal) => Unpublished::Refused(format!("NATS does not store it: {}", described(refusal))),
            None => Unpublished::Lost,
        },
    }
}

/// The server's own words.
fn described(error: &jetstream::Error) -> String {
    error.to_string()
}

fn unconnected(error: &ConnectError, wait: Duration) -> String {
    let cause = match error.kind() {
        ConnectErrorKind::AuthorizationViolation => "it does not take the credentials".to_owned(),
        ConnectErrorKind::Authentication => "the credentials cannot be used".to_owned(),
        ConnectErrorKind::Dns => "the name does not resolve".to_owned(),
        ConnectErrorKind::TimedOut => format!("no answer within {}", seconds(wait)),
        _ => causes(error)
            .find_map(|cause| of_connection(cause, wait))
            .unwrap_or_else(|| "the connection fails".to_owned()),
    };
    format!("NATS cannot be reached: {cause}")
}
