//! Where what came of requests is kept, for those who send one again.

use async_trait::async_trait;
use domain::{CustomerId, Timestamp};

use crate::{Digest, Sealed, StoreError};

/// Keeps what came of requests that were sent with an idempotency key.
///
/// A record is written in the transaction of the change it tells of, before anything else in it: of two requests with
/// one key the second waits there for the first, and then finds that it is a repeat. Whatever changes something on
/// request takes a record to store with it; this port is for the rest.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// The record under one of these ids, as soon as what stored it has returned.
    ///
    /// # Errors
    /// When the store fails.
    async fn find_record(&self, ids: Vec<Digest>) -> Result<Option<IdempotencyRecord>, StoreError>;

    /// Stores a record of a request that changes nothing here; none about a customer who is gone.
    ///
    /// # Errors
    /// See [`RecordError`].
    async fn keep_record(&self, record: IdempotencyRecord) -> Result<(), RecordError>;
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// A keyed hash of who asked and his key.
    pub id: Digest,
    /// A keyed hash of what was asked for.
    pub fingerprint: Digest,
    /// Whom it was about, so that it goes with him.
    pub customer_id: Option<CustomerId>,
    /// What is answered again; `None` where the customer was erased.
    pub outcome: Option<Sealed>,
    /// When it came of it.
    pub created_at: Timestamp,
}

/// Why a record was not stored, and with it nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is a record of that id: the request was answered before.
    #[error("the request was answered before")]
    Repeated,
    /// Another request with the key is under way, and did not end within two seconds.
    #[error("a request with this idempotency key is under way")]
    InProgress,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordError> for StoreError {
    /// Of a change that nobody asked for with a key: then only the store can fail.
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Store(error) => error,
            RecordError::Repeated | RecordError::InProgress => Self::Rejected(error.to_string()),
        }
    }
}
