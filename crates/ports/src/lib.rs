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
mod card_provider;
mod card_repository;
mod clock;
mod customer_repository;
mod delivery_repository;
mod endpoint_repository;
mod event_delivery;
mod event_outbox;
mod event_signal;
mod generators;
mod idempotency_store;
mod installation_repository;
mod link_repository;
mod receiver_repository;
mod retention_repository;
mod secrets;
mod store_error;

pub use api_key_repository::{ApiKey, ApiKeyId, ApiKeyRepository, Scope};
pub use card_provider::{CardBrowser, CardProvider, CardProviderError, CardSetup, CardSetupState, ProvidedCard};
pub use card_repository::{DetachedCard, Detachment, DetachmentQueue, ProviderCustomerRepository};
pub use clock::Clock;
pub use customer_repository::{
    Beside, CustomerFilter, CustomerPage, CustomerPlace, CustomerQuery, CustomerRepository, SaveError,
};
pub use delivery_repository::{
    DeliveryPage, DeliveryQuery, DeliveryRepository, DeliveryStatusFilter, DueDeliveries, DueDelivery, NewDelivery,
    RecordedTry, ReplayQuery, ReplayableEvent,
};
pub use endpoint_repository::{EndpointEdits, EndpointRepository, PreviousSecret, StoredEndpoint};
pub use event_delivery::{EventBroker, OutgoingEvent, WebhookMessage, WebhookReply, WebhookSender};
pub use event_outbox::{EventOutbox, EventPage, EventQuery, StoredEvent};
pub use event_signal::EventSignal;
pub use generators::{IdGenerator, TokenGenerator};
pub use idempotency_store::{IdempotencyRecord, IdempotencyStore, RecordError};
pub use installation_repository::{InstallationRepository, Readiness};
pub use link_repository::{LinkRepository, StoredLink};
pub use receiver_repository::{LEASE_TIME, Lease, LeaseError, LeaseHolder, ReceiverId, ReceiverRepository};
pub use retention_repository::RetentionRepository;
pub use secrets::{
    ApiKeySecret, Digest, HashPurpose, KeyedHash, LinkCode, SealPurpose, Sealed, Secrets, Unsealed, WebhookSecret,
};
pub use store_error::StoreError;

#[cfg(feature = "mocks")]
pub use {
    api_key_repository::MockApiKeyRepository,
    card_provider::MockCardProvider,
    card_repository::{MockDetachmentQueue, MockProviderCustomerRepository},
    clock::MockClock,
    customer_repository::MockCustomerRepository,
    delivery_repository::MockDeliveryRepository,
    endpoint_repository::MockEndpointRepository,
    event_delivery::{MockEventBroker, MockWebhookSender},
    event_outbox::MockEventOutbox,
    event_signal::MockEventSignal,
    generators::{MockIdGenerator, MockTokenGenerator},
    idempotency_store::MockIdempotencyStore,
    installation_repository::MockInstallationRepository,
    link_repository::MockLinkRepository,
    receiver_repository::MockReceiverRepository,
    retention_repository::MockRetentionRepository,
    secrets::MockSecrets,
};
