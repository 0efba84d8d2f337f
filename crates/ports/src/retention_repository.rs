//! What has had its time.

use async_trait::async_trait;
use domain::{CustomerId, Timestamp};

use crate::StoreError;

/// Finds what is kept for a time only and has had it, and removes what no use case decides about.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RetentionRepository: Send + Sync {
    /// Up to `limit` customers whose pending change of number was asked for before `before`, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    async fn waiting_for_number_since(&self, before: Timestamp, limit: u32) -> Result<Vec<CustomerId>, StoreError>;

    /// Up to `limit` customers who were created before `before` and never confirmed, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    async fn unconfirmed_since(&self, before: Timestamp, limit: u32) -> Result<Vec<CustomerId>, StoreError>;

    /// Removes up to `limit` idempotency records from before `before`, and as many memories of numbers that are
    /// forgotten at `now`. Returns whether there may be more.
    ///
    /// # Errors
    /// When the store fails.
    async fn prune_outlived(&self, before: Timestamp, now: Timestamp, limit: u32) -> Result<bool, StoreError>;

    /// Up to `limit` ids of customers who were erased, in the order of the ids, after `after`, with the time of it.
    ///
    /// # Errors
    /// When the store fails.
    async fn erased_customers(
        &self,
        after: Option<CustomerId>,
        limit: u32,
    ) -> Result<Vec<(CustomerId, Timestamp)>, StoreError>;

    /// Keeps an id used for ever that no customer has, as if he had been erased at `at`. One that is kept stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn keep_erased(&self, id: CustomerId, at: Timestamp) -> Result<(), StoreError>;

    /// Removes what is left, outside the tables, of who was erased since it was done last: on SQLite, in the file's pages
    /// and in the log of writes. Where nobody was, it costs next to nothing. `false` where readers are in the way, and it
    /// is to be tried again.
    ///
    /// # Errors
    /// When the store fails.
    async fn scrub(&self) -> Result<bool, StoreError>;
}
