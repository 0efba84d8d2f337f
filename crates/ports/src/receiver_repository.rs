//! How far each receiver has come in the log of events, and who works for it.

use std::time::Duration;

use async_trait::async_trait;
use domain::{EndpointId, EventId, Timestamp};
use uuid::Uuid;

use crate::{StoreError, StoredEvent};

/// Keeps, for each receiver of events, its place in the log and the lease of the process that works for it.
///
/// A lease is told by the store's own clock, so that the clocks of several machines need not agree. What only its
/// holder may do checks the lease in the same transaction and says [`LeaseError::Lost`] where somebody else has it.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ReceiverRepository: Send + Sync {
    /// Makes a receiver known, at the end of the log: it gets what is committed from now on. One that is known stays
    /// where it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn register(&self, receiver: ReceiverId) -> Result<(), StoreError>;

    /// Takes the leases of those of `receivers` that nobody holds, and renews those that `holder` holds, for
    /// [`LEASE_TIME`] from now. Returns the ones that he holds now. Takes no lock where there is nothing to take.
    ///
    /// # Errors
    /// When the store fails.
    async fn take_leases(&self, holder: LeaseHolder, receivers: Vec<ReceiverId>)
    -> Result<Vec<ReceiverId>, StoreError>;

    /// Gives up all leases of a holder at once, so that others need not wait for their end.
    ///
    /// # Errors
    /// When the store fails.
    async fn release_leases(&self, holder: LeaseHolder) -> Result<(), StoreError>;

    /// Up to `limit` events after the receiver's place, in the order of their position; none for a receiver that is not
    /// known. Must first number all events that were committed before the call, as
    /// [`EventOutbox::page`](crate::EventOutbox::page) must.
    ///
    /// # Errors
    /// When the store fails.
    async fn arrivals(&self, receiver: ReceiverId, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// Moves the receiver's place to the event at `position`. Of `accepted`, events that a receiver outside took at
    /// `now`, those that carry a customer's current token set his `confirmation_sent_at`, where it is not set.
    ///
    /// # Errors
    /// See [`LeaseError`].
    async fn advance(
        &self,
        lease: Lease,
        position: i64,
        accepted: Vec<EventId>,
        now: Timestamp,
    ) -> Result<(), LeaseError>;
}

/// How long a lease lasts.
pub const LEASE_TIME: Duration = Duration::from_secs(30);

/// Whom events go to: a webhook endpoint, the message broker, or the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiverId(pub Uuid);

impl ReceiverId {
    /// The service's own log.
    pub const LOG: Self = Self(Uuid::from_u128(1));
    /// The message broker.
    pub const BROKER: Self = Self(Uuid::from_u128(2));
}

impl From<EndpointId> for ReceiverId {
    fn from(id: EndpointId) -> Self {
        Self(id.uuid())
    }
}

/// One process in one life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseHolder(pub Uuid);

/// That a process works for a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The receiver.
    pub receiver: ReceiverId,
    /// The process.
    pub holder: LeaseHolder,
}

/// Why what only a lease's holder may do was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else holds the lease, or the receiver is gone.
    #[error("the lease is lost")]
    Lost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
