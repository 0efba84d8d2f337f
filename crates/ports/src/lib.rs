//! What the core needs of the world, as traits, with their errors and mocks.
//!
//! A port's documentation says what an implementation must return, and when: the contract suites of the adapters are
//! written from it. What was looked for and is not there is an `Option`, never an error. Mocks by `mockall` stand
//! behind the feature `mocks` (`MockClock`, `MockCustomerRepository`, …):
//!
//! ```
//! # #[cfg(feature = "mocks")] {
//! use ports::{Clock, MockClock};
//!
//! let mut clock = MockClock::new();
//! clock.expect_now().return_const(domain::Timestamp::UNIX_EPOCH);
//! assert_eq!(clock.now(), domain::Timestamp::UNIX_EPOCH);
//! # }
//! ```

mod api_key_repository;
mod clock;
mod customer_repository;
mod event_outbox;
mod generators;
mod installation_repository;
mod link_repository;
mod secrets;
mod store_error;

pub use api_key_repository::{ApiKey, ApiKeyId, ApiKeyRepository, Scope};
pub use clock::Clock;
pub use customer_repository::{CustomerRepository, SaveError};
pub use event_outbox::{EventOutbox, EventPage, EventQuery, StoredEvent};
pub use generators::{IdGenerator, TokenGenerator};
pub use installation_repository::{InstallationRepository, Readiness};
pub use link_repository::{LinkRepository, StoredLink};
pub use secrets::{ApiKeySecret, Digest, LinkCode, Secrets};
pub use store_error::StoreError;

#[cfg(feature = "mocks")]
pub use {
    api_key_repository::MockApiKeyRepository,
    clock::MockClock,
    customer_repository::MockCustomerRepository,
    event_outbox::MockEventOutbox,
    generators::{MockIdGenerator, MockTokenGenerator},
    installation_repository::MockInstallationRepository,
    link_repository::MockLinkRepository,
    secrets::MockSecrets,
};
