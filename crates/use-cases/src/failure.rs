//! Why a use case did not do what it was asked for.

use domain::{CustomerId, Refusal};
use ports::{CardProviderError, RecordError, SaveError, StoreError};

/// Why a use case did not do what it was asked for. Nothing is half done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The key is none, unknown, revoked or expired.
    Unauthorized,
    /// The key's scope does not allow it.
    Forbidden,
    /// There is no such customer.
    CustomerNotFound,
    /// The customer has no such address.
    AddressNotFound,
    /// The customer has no card.
    CardNotFound,
    /// There is no such event.
    EventNotFound,
    /// There is no such webhook endpoint.
    EndpointNotFound,
    /// The endpoint has no such delivery.
    DeliveryNotFound,
    /// There are as many webhook endpoints as there may be.
    TooManyEndpoints,
    /// The caller's own id for a new customer is in use.
    CustomerIdTaken,
    /// Another customer holds the number.
    PhoneNumberTaken {
        /// Who.
        holder: CustomerId,
        /// Whether it was proved to be his.
        confirmed: bool,
    },
    /// The customer is not at the revision that the change was meant for.
    PreconditionFailed,
    /// A request with the same idempotency key is under way.
    IdempotencyInProgress,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The domain refused.
    Refused(Refusal),
    /// Others changed the customer each time before this request could.
    Contended,
    /// The card provider did not do what it was asked for.
    CardProvider(CardProviderError),
    /// The store failed.
    Store(StoreError),
}

impl From<CardProviderError> for Failure {
    fn from(error: CardProviderError) -> Self {
        Self::CardProvider(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        match error {
            // Of a repeat that is found no more, the next try is a first one.
            SaveError::VersionConflict | SaveError::Repeated => Self::Contended,
            SaveError::InProgress => Self::IdempotencyInProgress,
            SaveError::CustomerIdTaken => Self::CustomerIdTaken,
            SaveError::PhoneNumberTaken { holder, confirmed } => Self::PhoneNumberTaken { holder, confirmed },
            SaveError::Store(error) => Self::Store(error),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        SaveError::from(error).into()
    }
}
