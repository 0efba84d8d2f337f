//! Webhook endpoints, and what became of their deliveries.

use domain::{
    Delivery as DomainDelivery, DeliveryStatus, DeliveryTry as DomainTry, DisabledReason, EventType, Repeat,
    WebhookEndpoint as DomainEndpoint,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Secrecy, WireTime, as_text, schema};

/// A webhook endpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebhookEndpoint<'a> {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::endpoint_id")]
    id: domain::EndpointId,
    /// Where events are sent.
    #[schemars(url, example = &"https://bot.example.com/customers")]
    url: &'a str,
    /// The types of events that it takes.
    #[schemars(schema_with = "schema::event_types")]
    event_types: Vec<&'static str>,
    /// What was said about it.
    #[schemars(example = &"The chat bot")]
    description: Option<&'a str>,
    /// Whether nothing is sent.
    disabled: bool,
    /// Since when nothing is sent.
    disabled_at: Option<WireTime>,
    /// Why nothing is sent: somebody asked for it, the endpoint said that it is gone, or it failed for days.
    #[schemars(schema_with = "schema::disabled_reason")]
    disabled_reason: Option<&'static str>,
    /// Since when it has accepted nothing of what it was sent.
    failing_since: Option<WireTime>,
    /// When it was made.
    created_at: WireTime,
    /// When it was last changed.
    updated_at: WireTime,
}

/// A webhook endpoint with its secret, for the one time that it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WebhookEndpointWithSecret<'a> {
    #[serde(flatten)]
    endpoint: WebhookEndpoint<'a>,
    /// What signs its webhooks. Only the answers that make a secret have it.
    #[schemars(example = &"whsec_6NbHaYds1grNGJoB3/g+OBW16HOcGTGelxJvMmrHScs=")]
    secret: String,
}

impl<'a> WebhookEndpoint<'a> {
    /// The object of an endpoint.
    pub fn new(endpoint: &'a DomainEndpoint) -> Self {
        Self {
            id: endpoint.id,
            url: &endpoint.url,
            event_types: endpoint.event_types.iter().copied().map(EventType::as_str).collect(),
            description: endpoint.description.as_deref(),
            disabled: endpoint.disabled.is_some(),
            disabled_at: endpoint.disabled.map(|disabled| WireTime(disabled.at)),
            disabled_reason: endpoint.disabled.map(|disabled| DisabledReason::as_str(disabled.reason)),
            failing_since: endpoint.failing_since.map(WireTime),
            created_at: WireTime(endpoint.created_at),
            updated_at: WireTime(endpoint.updated_at),
        }
    }

    /// The same with its secret, for the one time that it is shown.
    #[must_use]
    pub fn with_secret(self, secret: String) -> WebhookEndpointWithSecret<'a> {
        WebhookEndpointWithSecret { endpoint: self, secret }
    }
}

/// A delivery and its tries.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Delivery<'a> {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::delivery_id")]
    id: domain::DeliveryId,
    /// Where it goes.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::endpoint_id")]
    endpoint_id: domain::EndpointId,
    /// What is delivered.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::event_id")]
    event_id: domain::EventId,
    /// The type of the event.
    #[schemars(example = &"verification")]
    event_type: &'a str,
    /// Whom the event is about.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::customer_id")]
    customer_id: domain::CustomerId,
    /// `failed` when it was given up.
    #[schemars(extend("enum" = ["pending", "accepted", "failed"]), example = &"accepted")]
    status: &'static str,
    /// Whether somebody asked for it: it then comes outside the customer's order.
    #[schemars(schema_with = "schema::repeat")]
    repeat: Option<&'static str>,
    /// When it was queued.
    created_at: WireTime,
    /// When it was accepted or given up.
    finished_at: Option<WireTime>,
    /// When it is tried next; `null` while it waits for an earlier one of the customer.
    next_try_at: Option<WireTime>,
    /// What was tried, oldest first.
    tries: Vec<DeliveryTry<'a>>,
}

impl<'a> Delivery<'a> {
    /// The object of a delivery. What the endpoint answered may repeat what it was sent, so it is as secret.
    pub fn new(delivery: &'a DomainDelivery, secrecy: Secrecy) -> Self {
        let (status, finished_at, next_try_at) = match delivery.status {
            DeliveryStatus::Pending { next_try_at } => ("pending", None, next_try_at),
            DeliveryStatus::Accepted { at } => ("accepted", Some(at), None),
            DeliveryStatus::Failed { at } => ("failed", Some(at), None),
        };
        Self {
            id: delivery.id,
            endpoint_id: delivery.endpoint_id,
            event_id: delivery.event_id,
            event_type: &delivery.event_type,
            customer_id: delivery.customer_id,
            status,
            repeat: delivery.repeat.map(Repeat::as_str),
            created_at: WireTime(delivery.created_at),
            finished_at: finished_at.map(WireTime),
            next_try_at: next_try_at.map(WireTime),
            tries: delivery.tries.iter().map(|tried| DeliveryTry::new(tried, secrecy)).collect(),
        }
    }
}

/// One try.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliveryTry<'a> {
    /// When it began.
    at: WireTime,
    /// What the endpoint answered.
    #[schemars(example = 204)]
    status_code: Option<u16>,
    /// How long it took, in milliseconds.
    #[schemars(example = 27)]
    duration_ms: i64,
    /// The beginning of what the endpoint answered. `null` for a key with the scope `read`.
    answer: Option<&'a str>,
    /// Why there was no answer.
    error: Option<&'a str>,
}

impl<'a> DeliveryTry<'a> {
    fn new(tried: &'a DomainTry, secrecy: Secrecy) -> Self {
        Self {
            at: WireTime(tried.at),
            status_code: tried.status_code,
            duration_ms: tried.duration.num_milliseconds(),
            answer: tried.answer.as_deref().filter(|_| secrecy == Secrecy::Shown),
            error: tried.error.as_deref(),
        }
    }
}

/// What came of trying an endpoint.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestOutcome<'a> {
    /// The ping that was sent.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::event_id")]
    event_id: domain::EventId,
    /// Whether the endpoint answered 2xx.
    accepted: bool,
    #[serde(flatten)]
    tried: DeliveryTry<'a>,
}

impl<'a> TestOutcome<'a> {
    /// What came of sending the event.
    pub fn new(event_id: domain::EventId, tried: &'a DomainTry) -> Self {
        Self { event_id, accepted: tried.is_accepted(), tried: DeliveryTry::new(tried, Secrecy::Shown) }
    }
}

/// What is delivered again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Replay {
    /// How many deliveries were queued.
    #[schemars(example = 12)]
    pub queued: usize,
}
