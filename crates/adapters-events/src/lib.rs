//! Webhooks and NATS JetStream behind their ports.
//!
//! [`WebhookClient`] sends an event to a URL that a caller of the API chose, so it is where server-side request forgery
//! is kept out: a name is resolved once, its addresses are judged by [`AllowedNetworks`], and the connection goes to
//! one of those that passed. [`NatsBroker`] publishes to one JetStream stream over one connection, which it makes when
//! it has something to publish. Both try once and say what came of it; whoever calls decides when to try again.

mod cause;
mod cloud_event;
#[cfg(test)]
mod fuzz;
mod nats;
mod networks;
mod setup_error;
mod target;
#[cfg(test)]
mod testing;
mod trust;
mod webhook;

/// The page for receivers: its snippet in Rust is run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/events.md")]
mod receivers_page {}

pub use nats::{NatsBroker, NatsSettings, NatsUrl, check_nats_url};
pub use networks::AllowedNetworks;
pub use setup_error::SetupError;
pub use webhook::WebhookClient;
