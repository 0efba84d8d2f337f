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
    data: Verification<'a>,
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
        let EventBody::Verification { status, customer } = &event.body;
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
            id: event.id,
            kind: event.body.event_type().as_str(),
            timestamp: WireTime(event.occurred_at),
            data: Verification {
                status,
                reason,
                sequence: event.sequence,
                customer: Customer::new(customer, Secrecy::Shown),
                confirmation_token: token.map(ConfirmationToken::expose),
                expires_at: expires_at.map(WireTime),
            },
        }
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
