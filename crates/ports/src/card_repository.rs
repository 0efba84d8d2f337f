//! What is kept for the sake of card providers: who a customer is there, and which cards are to be removed there.

use async_trait::async_trait;
use domain::{CustomerId, Timestamp};
use uuid::Uuid;

use crate::StoreError;

/// Keeps the ids by which providers know customers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ProviderCustomerRepository: Send + Sync {
    /// The customer's id at a provider, where he has one.
    ///
    /// # Errors
    /// When the store fails.
    async fn find_provider_customer(&self, id: CustomerId, provider: &str) -> Result<Option<String>, StoreError>;

    /// Keeps the customer's id at a provider over `replaces`, which is the one that is kept now, and returns the one that
    /// is kept then: that one, or one that another request kept first.
    ///
    /// # Errors
    /// When the store fails, or there is no such customer.
    async fn keep_provider_customer(
        &self,
        id: CustomerId,
        provider: &str,
        replaces: Option<String>,
        provider_customer: String,
    ) -> Result<String, StoreError>;
}

/// Cards that are no customer's any more, or never became one's, and are yet to be removed at their provider. A save puts
/// them there, see [`CustomerRepository::save`](crate::CustomerRepository::save), and so does who forgets a link, see
/// [`LinkRepository::issue`](crate::LinkRepository::issue).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DetachmentQueue: Send + Sync {
    /// The detachments at a provider that are due at `now`, those due first first, at most `limit`. Each is due again
    /// at `again` unless it is settled: who takes one and dies loses nothing. Two never take the same at once, but one
    /// that is not settled by `again` may be taken by another while the first still works on it.
    ///
    /// # Errors
    /// When the store fails; then none is taken.
    async fn take_due_detachments(
        &self,
        provider: &str,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Detachment>, StoreError>;

    /// Puts a card into the queue under an id, due at `at`. One of that id that is there already stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    async fn queue_detachment(
        &self,
        provider: &str,
        id: Uuid,
        payment_method: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// A detachment failed and is due again at `again`.
    ///
    /// # Errors
    /// When the store fails.
    async fn postpone_detachment(&self, id: Uuid, again: Timestamp) -> Result<(), StoreError>;

    /// A detachment is done. One that is settled already is settled.
    ///
    /// # Errors
    /// When the store fails.
    async fn settle_detachment(&self, id: Uuid) -> Result<(), StoreError>;
}

/// A card that is to be removed at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detachment {
    /// Its id.
    pub id: Uuid,
    /// Which card.
    pub card: DetachedCard,
    /// How often it was taken before.
    pub tries: u32,
}

/// Which card is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetachedCard {
    /// The one of this id at the provider.
    Known(String),
    /// The one that the setup of this id at the provider has brought, of which nobody was told here; the setup is to bring
    /// none any more.
    OfSetup(String),
}
