//! The JSON that the world sees, said once: the customer, the event, the problem document.
//!
//! HTTP answers, the outbox and every delivery write these types; nothing else spells a member's name.

mod address;
mod card;
mod customer;
mod event;
mod personal_data;
mod problem;
mod timestamp;
mod verification;
mod webhook;

pub use address::{Address, Addresses};
pub use card::Card;
pub use customer::{Customer, CustomerUrls, Secrecy};
pub use event::{ErasedEvent, Event, Ping};
pub use personal_data::{Link, PersonalData};
pub use problem::{FieldProblem, Problem};
pub use timestamp::WireTime;
pub use verification::Verification;
pub use webhook::{Delivery, DeliveryTry, TestOutcome, WebhookEndpoint};

/// Serialises what has a text form as that text.
fn as_text<S: serde::Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
