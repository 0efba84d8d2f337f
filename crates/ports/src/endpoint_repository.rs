//! Where webhook endpoints are kept.

use async_trait::async_trait;
use domain::{Disabled, EndpointId, EventType, Member, Timestamp, WebhookEndpoint};

use crate::{IdempotencyRecord, RecordError, Sealed, StoreError};

/// Keeps webhook endpoints with their sealed secrets.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EndpointRepository: Send + Sync {
    /// Stores a new endpoint and makes it known as a receiver at the end of the log of events: it gets what is
    /// committed from now on. With it, in the same transaction, the record of the request.
    ///
    /// # Errors
    /// See [`RecordError`].
    async fn insert(&self, endpoint: StoredEndpoint, record: Option<IdempotencyRecord>) -> Result<(), RecordError>;

    /// The endpoint of this id.
    ///
    /// # Errors
    /// When the store fails.
    async fn find(&self, id: EndpointId) -> Result<Option<StoredEndpoint>, StoreError>;

    /// All endpoints, in the order of their making.
    ///
    /// # Errors
    /// When the store fails.
    async fn list(&self) -> Result<Vec<StoredEndpoint>, StoreError>;

    /// Changes what `edits` says and returns the endpoint as it is then; `None` when there is none. An endpoint that is
    /// enabled again forgets that it was failing, and what waits for its next try is due at once. With it, in the same
    /// transaction, the record of the request.
    ///
    /// # Errors
    /// See [`RecordError`]; then nothing is changed.
    async fn update(
        &self,
        id: EndpointId,
        edits: EndpointEdits,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<Option<StoredEndpoint>, RecordError>;

    /// Removes an endpoint, so that nothing is sent to it any more and its deliveries are found no more; they are
    /// removed later, see [`DeliveryRepository::prune_deleted`](crate::DeliveryRepository::prune_deleted). `false` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    async fn delete(&self, id: EndpointId) -> Result<bool, StoreError>;
}

/// An endpoint and what its deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEndpoint {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// Its secret.
    pub secret: Sealed,
    /// The one before.
    pub previous_secret: Option<PreviousSecret>,
}

/// The secret before a rotation, which still signs for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The secret.
    pub secret: Sealed,
    /// Until when.
    pub until: Timestamp,
}

/// What changes of an endpoint. What is `None` (or absent) stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointEdits {
    /// Where events are sent.
    pub url: Option<String>,
    /// The events that it takes.
    pub event_types: Option<Vec<EventType>>,
    /// What is said about it.
    pub description: Member<String>,
    /// Whether anything is sent to it.
    pub disabled: Member<Disabled>,
    /// What its deliveries are signed with.
    pub secrets: Option<(Sealed, Option<PreviousSecret>)>,
}
