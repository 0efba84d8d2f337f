//! How events leave the service.

use async_trait::async_trait;
use domain::{CustomerId, DeliveryTry, EventId, Repeat, TimeDelta, Timestamp};

use crate::{StoredEvent, WebhookSecret};

/// Sends events to webhook endpoints.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// The URL in its normal form, where events may be sent to it; else what it must be, as the rest of a sentence that
    /// begins with the field's name. Of a URL whose host is a name, the addresses are looked at when it is sent to.
    ///
    /// # Errors
    /// What it must be.
    fn check_url(&self, url: &str) -> Result<String, String>;

    /// Sends one event and says what came of it, within 15 seconds. Follows no redirect, and sends nothing to an
    /// address that the operator does not allow.
    async fn send(&self, message: WebhookMessage) -> WebhookReply;
}

/// What is sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// Where.
    pub url: String,
    /// What it is signed with, newest first.
    pub secrets: Vec<WebhookSecret>,
    /// What is sent.
    pub event: OutgoingEvent,
    /// Whether it is sent again because somebody asked for it.
    pub repeat: Option<Repeat>,
    /// The time of sending, which is signed too.
    pub now: Timestamp,
}

/// An event as it leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingEvent {
    /// Its id.
    pub id: EventId,
    /// The name of its type.
    pub event_type: String,
    /// Whom it is about, if anybody.
    pub customer_id: Option<CustomerId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its JSON. It holds personal data and secrets: `Debug` leaves it out.
    pub payload: String,
}

impl From<StoredEvent> for OutgoingEvent {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type,
            customer_id: Some(event.customer_id),
            occurred_at: event.occurred_at,
            payload: event.payload,
        }
    }
}

impl std::fmt::Debug for OutgoingEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingEvent")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookReply {
    /// The try.
    pub tried: DeliveryTry,
    /// How long the endpoint wants to be left alone (`Retry-After`, RFC 9110, 10.2.3).
    pub retry_after: Option<TimeDelta>,
}

/// Publishes events to the message broker.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventBroker: Send + Sync {
    /// Publishes events, all at once, and waits in bounded time until the broker has stored each. Says for each in
    /// their order whether it has, or why not. One that is published again under its id within ten minutes is stored
    /// once.
    async fn publish(&self, events: Vec<OutgoingEvent>) -> Vec<Result<(), String>>;

    /// Removes what the broker has stored about a customer.
    ///
    /// # Errors
    /// Why it has not.
    async fn purge(&self, customer_id: CustomerId) -> Result<(), String>;
}
