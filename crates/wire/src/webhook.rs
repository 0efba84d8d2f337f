//! Webhook endpoints, and what became of their deliveries.

use domain::{
    Delivery as DomainDelivery, DeliveryStatus, DeliveryTry as DomainTry, DisabledReason, EventType, Repeat,
    WebhookEndpoint as DomainEndpoint,
};
use serde::Serialize;

use crate::{Secrecy, WireTime, as_text};

/// A webhook endpoint.
#[derive(Debug, Serialize)]
pub struct WebhookEndpoint<'a> {
    #[serde(serialize_with = "as_text")]
    id: domain::EndpointId,
    url: &'a str,
    event_types: Vec<&'static str>,
    description: Option<&'a str>,
    disabled: bool,
    disabled_at: Option<WireTime>,
    disabled_reason: Option<&'static str>,
    failing_since: Option<WireTime>,
    created_at: WireTime,
    updated_at: WireTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
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
            secret: None,
        }
    }

    /// The same with its secret, for the one time that it is shown.
    #[must_use]
    pub fn with_secret(self, secret: String) -> Self {
        Self { secret: Some(secret), ..self }
    }
}

/// A delivery and its tries.
#[derive(Debug, Serialize)]
pub struct Delivery<'a> {
    #[serde(serialize_with = "as_text")]
    id: domain::DeliveryId,
    #[serde(serialize_with = "as_text")]
    endpoint_id: domain::EndpointId,
    #[serde(serialize_with = "as_text")]
    event_id: domain::EventId,
    event_type: &'a str,
    #[serde(serialize_with = "as_text")]
    customer_id: domain::CustomerId,
    status: &'static str,
    repeat: Option<&'static str>,
    created_at: WireTime,
    finished_at: Option<WireTime>,
    next_try_at: Option<WireTime>,
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
#[derive(Debug, Serialize)]
pub struct DeliveryTry<'a> {
    at: WireTime,
    status_code: Option<u16>,
    duration_ms: i64,
    answer: Option<&'a str>,
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
#[derive(Debug, Serialize)]
pub struct TestOutcome<'a> {
    #[serde(serialize_with = "as_text")]
    event_id: domain::EventId,
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
