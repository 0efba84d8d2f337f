//! What the tests of several crates share: databases, NATS servers and card providers of their own, a proxy that can be cut, a receiver
//! of webhooks that behaves as it is told, a reader of event streams, Schemathesis, the running binary.
//!
//! Everything here panics with a sentence when the ground of a test is missing: a test cannot go on without it.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test without its ground ends; who reads the panic wants the sentence, not an error to pass on"
)]

mod database;
mod database_url;
mod fault_proxy;
mod http;
mod http_wire;
mod localstripe;
mod nats;
mod port;
mod receiver;
mod schemathesis;
mod service;
mod sse;

pub use database::{DatabaseKind, TestDatabase, drop_databases_of_this_run};
pub use fault_proxy::FaultProxy;
pub use http::{Answer, Http};
pub use localstripe::Localstripe;
pub use nats::{NatsServer, StreamMessage};
pub use receiver::{Answering, Received, TestReceiver};
pub use schemathesis::Schemathesis;
pub use service::{Output, Service};
pub use sse::{EventStream, SseEvent};
