//! The event document.

use domain::{ConfirmationToken, EventBody, PendingReason, VerificationStatus};
use serde::Serialize;

use crate::{Customer, Secrecy, WireTime, as_text};

/// An event as it is stored and delivered.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    #[serde(serialize_with = "as_text")]
    id: domain::EventId,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: WireTime,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Verification(Verification<'a>),
    Updated(Updated<'a>),
    Erased(Erased),
}

#[derive(Debug, Serialize)]
struct Erased {
    sequence: i64,
    #[serde(serialize_with = "as_text")]
    customer_id: domain::CustomerId,
}

#[derive(Debug, Serialize)]
struct Updated<'a> {
    sequence: i64,
    changed: Vec<&'static str>,
    customer: Customer<'a>,
}

#[derive(Debug, Serialize)]
struct Verification<'a> {
    status: &'static str,
    reason: &'static str,
    sequence: i64,
    customer: Customer<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<WireTime>,
}

impl<'a> Event<'a> {
    /// The document of an event, token included.
    pub fn new(event: &'a domain::Event) -> Self {
        let data = match &event.body {
            EventBody::Verification { status, customer } => {
                Data::Verification(Verification::new(status, event.sequence, customer))
            }
            EventBody::Updated { changed, customer } => Data::Updated(Updated {
                sequence: event.sequence,
                changed: changed.iter().map(|changed| changed.as_str()).collect(),
                customer: Customer::new(customer, Secrecy::Shown),
            }),
            EventBody::Erased => Data::Erased(Erased { sequence: event.sequence, customer_id: event.customer_id }),
        };
        Self { id: event.id, kind: event.body.event_type().as_str(), timestamp: WireTime(event.occurred_at), data }
    }
}

impl<'a> Verification<'a> {
    fn new(status: &VerificationStatus, sequence: i64, customer: &'a domain::Customer) -> Self {
        let (status, reason, token, expires_at) = match status {
            VerificationStatus::Pending { reason, token, expires_at } => {
                let reason = match reason {
                    PendingReason::Created => "created",
                    PendingReason::Regenerated => "regenerated",
                };
                ("pending", reason, Some(*token), Some(*expires_at))
            }
            VerificationStatus::Confirmed => ("confirmed", "confirmed", None, None),
        };
        Self {
            status,
            reason,
            sequence,
            customer: Customer::new(customer, Secrecy::Shown),
            confirmation_token: token.map(ConfirmationToken::expose),
            expires_at: expires_at.map(WireTime),
        }
    }
}

/// What is left of an event whose customer was erased.
#[derive(Debug, Serialize)]
pub struct ErasedEvent<'a> {
    #[serde(serialize_with = "as_text")]
    id: domain::EventId,
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: WireTime,
    data: ErasedData,
}

#[derive(Debug, Serialize)]
struct ErasedData {
    sequence: i64,
    erased: bool,
}

impl<'a> ErasedEvent<'a> {
    /// The document of what is left.
    pub fn new(id: domain::EventId, kind: &'a str, at: domain::Timestamp, sequence: i64) -> Self {
        Self { id, kind, timestamp: WireTime(at), data: ErasedData { sequence, erased: true } }
    }
}

impl std::fmt::Display for ErasedEvent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

/// An event that says nothing but that it arrives: sent to try an endpoint, and stored nowhere.
#[derive(Debug, Serialize)]
pub struct Ping {
    #[serde(serialize_with = "as_text")]
    id: domain::EventId,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: WireTime,
    data: serde_json::Map<String, serde_json::Value>,
}

impl Ping {
    /// The document of a ping.
    pub fn new(id: domain::EventId, at: domain::Timestamp) -> Self {
        Self { id, kind: "ping", timestamp: WireTime(at), data: serde_json::Map::new() }
    }
}

impl std::fmt::Display for Ping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}
