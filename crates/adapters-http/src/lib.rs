//! Routes, bodies, problem documents and the pages that customers open.
//!
//! A request passes [`observe`] (its id, its log line, its errors made problem documents), is routed in [`router`],
//! and is answered by one handler in one file. A handler has three steps: read the request into a command, call the
//! use case, present what comes back. Beside it stands what [`openapi`] tells the world of it. Every failure goes through the one table in [`problem`].

mod answer;
mod asset;
mod body;
mod caller;
mod client_address;
mod connection;
mod customers;
mod event_stream;
mod events;
#[cfg(test)]
mod fuzz;
mod guessing;
mod health;
mod observe;
mod openapi;
mod operation;
mod pages;
mod precondition;
mod problem;
mod query;
mod rate_limit;
mod router;
mod server;
mod webhook_endpoints;

pub use client_address::TrustedProxies;
pub use openapi::document as openapi;
pub use pages::{Brand, BrandColor, LogoUrl};
pub use problem::Code;
pub use rate_limit::RateLimit;
pub use server::{CardRoutes, Config, start};

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use use_cases::Service;

/// What every handler can reach.
pub(crate) struct State {
    pub(crate) service: Arc<Service>,
    /// The origin of the URLs that customers open, without a slash at its end.
    pub(crate) public_url: String,
    pub(crate) pages: pages::Pages,
    /// From whom `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) callers: caller::Callers,
    pub(crate) api: openapi::Api,
    /// Turns true when the service stops: what has no end of its own ends then.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Places for live streams.
    pub(crate) streams: Arc<Semaphore>,
}
