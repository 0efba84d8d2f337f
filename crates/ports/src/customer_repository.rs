//! Where customers are kept.

use async_trait::async_trait;
use domain::{Addresses, Card, Change, Customer, CustomerId, Email, NumberMemory, PhoneNumber, Timestamp};

use crate::{IdempotencyRecord, KeyedHash, RecordError, StoreError};

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

    /// What is remembered of a number that was given up, under any of its hashes; nothing where nothing is.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn find_number_memory(&self, number: KeyedHash) -> Result<NumberMemory, StoreError>;

    /// Up to `query.limit` customers of whom all of `query.filter` is true, newest first: by `created_at`, and of one
    /// time by id, both descending. After `query.after`, only those that come after it in this order, whether there is a
    /// customer at that place or not.
    ///
    /// Must see every save that has returned. So pages that follow one another, each after the last customer of the one
    /// before, hold everybody once who was there at the first and whom the filter fits all the while, whatever is saved
    /// meanwhile. A page takes no longer the further back it is.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn list(&self, query: CustomerQuery) -> Result<CustomerPage, StoreError>;

    /// Stores the customer, his claims on numbers and the events in one transaction: all of it, durably, when this
    /// returns `Ok`, and nothing of it on any refusal in [`SaveError`]. After [`StoreError::Unavailable`] it may be
    /// stored or not (the answer to a commit can get lost), but never in part.
    ///
    /// With them, in the same transaction: what changes beside the customer object ([`Change::details`]), the card that
    /// is to be detached among the due ones of [`DetachmentQueue`](crate::DetachmentQueue), and the end of the
    /// links that the change revokes ([`Change::revokes_links`]), and what stands `beside`, whose record comes first of all.
    ///
    /// What is remembered of a number that the change takes on ([`Beside::inherits`]) is not remembered any more once the
    /// change is stored: it is with the customer. What is to be remembered of a number that he gives up
    /// ([`Beside::memories`]) is added to what is remembered already, under any of its hashes.
    ///
    /// A change that erases ([`Change::erases`]) removes the customer with all that is kept about him, and keeps his id
    /// among those of [`RetentionRepository::erased_customers`](crate::RetentionRepository::erased_customers), which
    /// are taken. His events keep id, type, time, sequence and place and say no more; his deliveries that are pending are
    /// gone, and the others say only when they were tried; his idempotency records have no outcome any more. What was begun
    /// with his links at a card provider and is not his card is put among the due ones of `DetachmentQueue` too, under the
    /// link's id.
    ///
    /// Must store [`Change::replaces`] `None` only when no customer has that id, and `Some(version)` only over that
    /// very version. Of two saves that cannot both apply, one succeeds. Serialization failures of the database are
    /// tried again inside, a bounded number of times.
    ///
    /// # Errors
    /// See [`SaveError`]; where both the id and a number are taken, the id is reported.
    async fn save(&self, change: &Change, beside: Beside) -> Result<(), SaveError>;
}

/// What is stored with a change that the change itself does not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// What came of the request, should it be sent again.
    pub record: Option<IdempotencyRecord>,
    /// The same as [`Change::inherits`], by a keyed hash of the number.
    pub inherits: Option<(KeyedHash, NumberMemory)>,
    /// What is to be remembered of numbers that are given up, by a keyed hash of each.
    pub memories: Vec<(KeyedHash, NumberMemory)>,
}

/// Which customers to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Those of whom all of this is true.
    pub filter: CustomerFilter,
    /// The place of the last one that the reader has seen.
    pub after: Option<CustomerPlace>,
    /// How many at most, from 1.
    pub limit: u32,
}

/// What is true of the customers that are sought. Of everybody, where nothing is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerFilter {
    /// He holds this number, confirmed or not; of a customer whose number is being changed, either number. One customer
    /// at most holds a number.
    pub phone_number: Option<PhoneNumber>,
    /// His e-mail address is this one, in whichever case ([`Email::folded`]).
    pub email: Option<Email>,
    /// Whether a number was proved to be his.
    pub confirmed: Option<bool>,
    /// He was created then or later. Whole milliseconds.
    pub created_after: Option<Timestamp>,
    /// He was created earlier than then. Whole milliseconds.
    pub created_before: Option<Timestamp>,
}

/// A customer's place among all, by when they were created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerPlace {
    /// When he was created, in whole microseconds.
    pub created_at: Timestamp,
    /// Who, of those of one time.
    pub id: CustomerId,
}

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerPage {
    /// Newest first.
    pub customers: Vec<Customer>,
    /// Whether there were more when the page was read.
    pub more: bool,
}

/// Why a change was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// What the change was decided on is no longer so: the customer is not stored at the version that it replaces, or
    /// something else is remembered of the number that it takes on. Load both and decide again.
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
    /// The request was answered before, see [`RecordError`].
    #[error("the request was answered before")]
    Repeated,
    /// Another request with the same idempotency key is under way, see [`RecordError`].
    #[error("a request with this idempotency key is under way")]
    InProgress,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordError> for SaveError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Repeated => Self::Repeated,
            RecordError::InProgress => Self::InProgress,
            RecordError::Store(error) => Self::Store(error),
        }
    }
}
