//! Where events wait to be read.

use async_trait::async_trait;
use domain::{CustomerId, EventId, Timestamp};

use crate::StoreError;

/// The events that were stored with their changes, in the order of their `position`: a number that each gets **after**
/// its commit, so that a reader who has seen one event never finds a new one before it.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventOutbox: Send + Sync {
    /// Up to `query.limit` events after `query.after`, or from the first one. `None` when there is no event of that
    /// id.
    ///
    /// Must first number all events that were committed before the call, so that every save that has returned is
    /// seen; must number the events of one customer in the order of their sequence; must never give a number below
    /// one that was given.
    ///
    /// # Errors
    /// When the store fails.
    async fn page(&self, query: EventQuery) -> Result<Option<EventPage>, StoreError>;

    /// The event of an id, as soon as the save that stored it has returned.
    ///
    /// # Errors
    /// When the store fails.
    async fn find(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError>;

    /// The last event of all that were committed before the call, which are numbered first; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    async fn last(&self) -> Result<Option<EventId>, StoreError>;
}

/// Which events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// The last event that the reader has seen.
    pub after: Option<EventId>,
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// How many at most, from 1.
    pub limit: u32,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPage {
    /// In the order of their position.
    pub events: Vec<StoredEvent>,
    /// Whether there were more when the page was read.
    pub more: bool,
}

/// An event as it was stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// The name of its type: a later release may have stored one that this one does not know.
    pub event_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its place in the log; 0 where it has none yet.
    pub position: i64,
    /// When the token that it carries was made, where it carries one.
    pub token_generated_at: Option<Timestamp>,
    /// Whether the customer was erased: then its JSON says no more than what and when it was, and it goes to nobody.
    pub is_erased: bool,
    /// Its JSON, byte for byte what was stored with the change. It holds personal data and, while a proof is pending,
    /// the token: `Debug` leaves it out.
    pub payload: String,
}

impl std::fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredEvent")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}
