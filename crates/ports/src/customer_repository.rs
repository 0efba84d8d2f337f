//! Where customers are kept.

use async_trait::async_trait;
use domain::{Addresses, Card, Change, Customer, CustomerId};

use crate::StoreError;

/// Keeps customers, their claims on numbers, and the events that tell of their changes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CustomerRepository: Send + Sync {
    /// The customer as last saved, equal to what was saved in every part; `None` when there is none of that id. Must
    /// see every save that has returned.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the row no longer parses, naming it.
    async fn find(&self, id: CustomerId) -> Result<Option<Customer>, StoreError>;

    /// The customer's addresses as last saved; none where there is no such customer. Must see every save that has
    /// returned.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn find_addresses(&self, id: CustomerId) -> Result<Addresses, StoreError>;

    /// The customer's card as last saved; `None` where there is none. Must see every save that has returned.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn find_card(&self, id: CustomerId) -> Result<Option<Card>, StoreError>;

    /// Stores the customer, his claims on numbers and the events in one transaction: all of it, durably, when this
    /// returns `Ok`, and nothing of it on any refusal in [`SaveError`]. After [`StoreError::Unavailable`] it may be
    /// stored or not (the answer to a commit can get lost), but never in part.
    ///
    /// With them, in the same transaction: what changes beside the customer object ([`Change::details`]), the card that
    /// is to be detached among the due ones of [`DetachmentQueue`](crate::DetachmentQueue), and the end of the
    /// links that the change revokes ([`Change::revokes_links`]).
    ///
    /// Must store [`Change::replaces`] `None` only when no customer has that id, and `Some(version)` only over that
    /// very version. Of two saves that cannot both apply, one succeeds. Serialization failures of the database are
    /// tried again inside, a bounded number of times.
    ///
    /// # Errors
    /// See [`SaveError`]; where both the id and a number are taken, the id is reported.
    async fn save(&self, change: &Change) -> Result<(), SaveError>;
}

/// Why a change was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// The customer is no longer stored at the version that the change replaces: load him and decide again.
    #[error("the customer was changed meanwhile")]
    VersionConflict,
    /// A customer with the new one's id is there already.
    #[error("the customer id is taken")]
    CustomerIdTaken,
    /// Another customer holds a number that the change claims.
    #[error("the phone number is taken")]
    PhoneNumberTaken {
        /// Who holds it.
        holder: CustomerId,
        /// Whether it was proved to be his.
        confirmed: bool,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
