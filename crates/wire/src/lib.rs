//! The JSON that the world sees, said once: the customer, the event, the problem document.
//!
//! HTTP answers, the outbox and every delivery write these types; nothing else spells a member's name. The API's document
//! describes them as they are written: a member's comment is what its readers are told.

mod address;
mod card;
mod customer;
mod event;
mod health;
mod personal_data;
mod problem;
mod schema;
mod timestamp;
mod verification;
mod webhook;

pub use address::{Address, Addresses};
pub use card::Card;
pub use customer::{Customer, CustomerUrls, Secrecy};
pub use event::{ErasedEvent, Event, Ping, StoredEvent};
pub use health::Health;
pub use personal_data::{CardAtProvider, Link, PersonalData, ProofData};
pub use problem::{FieldProblem, Problem};
pub use timestamp::WireTime;
pub use verification::Verification;
pub use webhook::{Delivery, DeliveryTry, Replay, TestOutcome, WebhookEndpoint, WebhookEndpointWithSecret};

/// Serialises what has a text form as that text.
fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
