//! Where deliveries to webhook endpoints wait and are kept.

use async_trait::async_trait;
use domain::{
    AfterTry, CustomerId, Delivery, DeliveryId, DeliveryTry, EndpointId, EventId, EventType, Repeat, Timestamp,
};

use crate::{IdempotencyRecord, Lease, LeaseError, ReceiverId, RecordError, StoreError, StoredEvent};

/// Keeps deliveries: what waits, what was accepted or given up, and every try.
///
/// Of one endpoint and one customer, at most one delivery is due: the one of the lowest position that is pending. The
/// others wait for it. Repeats ([`Repeat`]) are exempt: they wait for nobody, and nobody waits for them.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DeliveryRepository: Send + Sync {
    /// Queues deliveries to the endpoint of the lease, in the order of their position, and moves its place in the log to
    /// `position`, in one transaction. A customer's pending delivery that waits for its next try is due at once when a
    /// new one of his is queued.
    ///
    /// # Errors
    /// See [`LeaseError`].
    async fn enqueue(
        &self,
        lease: Lease,
        deliveries: Vec<NewDelivery>,
        position: i64,
        now: Timestamp,
    ) -> Result<(), LeaseError>;

    /// Up to `limit` deliveries to the endpoint that are due at `now`, those that have been due longest first, and when
    /// the next one after `now` is due.
    ///
    /// # Errors
    /// When the store fails.
    async fn due(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<DueDeliveries, StoreError>;

    /// Stores tries of deliveries to the endpoint of the lease and what happens to each, in one transaction. Where a
    /// delivery is accepted or given up, the customer's next one is due at once. An event that is accepted and carries
    /// its customer's current token sets his `confirmation_sent_at`, where it is not set. An accepted try ends the time
    /// in which the endpoint has been failing; where none of the tries is accepted, it begins, unless it has. A try that
    /// is recorded already is not recorded twice: the answer to a commit can get lost.
    ///
    /// # Errors
    /// See [`LeaseError`].
    async fn record(&self, lease: Lease, tries: Vec<RecordedTry>, now: Timestamp) -> Result<(), LeaseError>;

    /// Up to `query.limit` deliveries to an endpoint, newest first. `None` when `query.after` is no delivery of its.
    ///
    /// # Errors
    /// When the store fails.
    async fn list(&self, query: DeliveryQuery) -> Result<Option<DeliveryPage>, StoreError>;

    /// One of the endpoint's deliveries.
    ///
    /// # Errors
    /// When the store fails.
    async fn find_delivery(&self, endpoint: EndpointId, delivery: DeliveryId) -> Result<Option<Delivery>, StoreError>;

    /// Queues a repeat, due at `now`, of the event of one of the endpoint's deliveries, under the id `repeat`; `false`
    /// when the endpoint has no such delivery, or its event was erased. With it, in the same
    /// transaction, the record of the request.
    ///
    /// # Errors
    /// See [`RecordError`].
    async fn redeliver(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
        repeat: DeliveryId,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<bool, RecordError>;

    /// All deliveries of a customer's events that are kept, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    async fn of_customer(&self, customer_id: CustomerId) -> Result<Vec<Delivery>, StoreError>;

    /// Up to `limit` events of these types that happened at `since` or later and that the endpoint has come past in the
    /// log, after `after`, in the order of their position; none that were erased.
    ///
    /// # Errors
    /// When the store fails.
    async fn replayable(&self, query: ReplayQuery) -> Result<Vec<ReplayableEvent>, StoreError>;

    /// Queues repeats, due at `now`. Those for an endpoint that is gone are not stored. With them, in the same
    /// transaction, the record of the request.
    ///
    /// # Errors
    /// See [`RecordError`]; then none is queued.
    async fn enqueue_repeats(
        &self,
        endpoint: EndpointId,
        deliveries: Vec<NewDelivery>,
        repeat: Repeat,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<(), RecordError>;

    /// Looks at up to `limit` events after the place `after` in the log, and removes those that happened before
    /// `before`, that every one of `receivers` has come past and that none of them has a delivery pending for: with all
    /// their deliveries and tries. A delivery of others that waited for one of these is due then. The last event of the
    /// log stays, for those who read on from it. Returns the place to go on from; `None` when later events are too
    /// young.
    ///
    /// # Errors
    /// When the store fails.
    async fn prune(
        &self,
        before: Timestamp,
        receivers: Vec<ReceiverId>,
        after: i64,
        limit: u32,
    ) -> Result<Option<i64>, StoreError>;

    /// Removes up to `limit` deliveries of endpoints that were deleted, with their tries, and then those endpoints'
    /// last traces. Returns whether there may be more.
    ///
    /// # Errors
    /// When the store fails.
    async fn prune_deleted(&self, limit: u32) -> Result<bool, StoreError>;
}

/// A delivery that is to be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// What is delivered.
    pub event_id: EventId,
    /// Whom the event is about.
    pub customer_id: CustomerId,
    /// The event's place in the log.
    pub position: i64,
}

/// What is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DueDeliveries {
    /// The deliveries.
    pub deliveries: Vec<DueDelivery>,
    /// When the next one that is not due yet will be, where there is one.
    pub next_at: Option<Timestamp>,
}

/// A delivery that is to be tried now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The event.
    pub event: StoredEvent,
    /// How often it has been tried.
    pub tries: u32,
    /// Whether somebody asked for it again.
    pub repeat: Option<Repeat>,
    /// Of an event that carries a token: whether the customer has another one by now, or is confirmed, or gone.
    pub is_superseded: bool,
    /// Of an event that carries the customer's current token: the wrong tries at it.
    pub wrong_tries: u32,
}

/// A try, and what happens to its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedTry {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its event.
    pub event: EventId,
    /// The event's place in the log.
    pub position: i64,
    /// Whom that is about.
    pub customer_id: CustomerId,
    /// Whether somebody asked for it again.
    pub repeat: Option<Repeat>,
    /// Which try it is, from 1.
    pub number: u32,
    /// The try.
    pub tried: DeliveryTry,
    /// What happens now.
    pub then: AfterTry,
}

/// Which deliveries to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Of which endpoint.
    pub endpoint_id: EndpointId,
    /// Only those that stand so.
    pub status: Option<DeliveryStatusFilter>,
    /// The last one that the reader has seen.
    pub after: Option<DeliveryId>,
    /// How many at most, from 1.
    pub limit: u32,
}

/// Where the deliveries that are asked for stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatusFilter {
    /// They wait.
    Pending,
    /// They were accepted.
    Accepted,
    /// They were given up.
    Failed,
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryPage {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// Whether there were more when the page was read.
    pub more: bool,
}

/// An event that may be delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayableEvent {
    /// The event.
    pub event_id: EventId,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// Its place in the log.
    pub position: i64,
}

/// Which events to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayQuery {
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// Of these types.
    pub event_types: Vec<EventType>,
    /// That happened then or later.
    pub since: Timestamp,
    /// After this place in the log.
    pub after: i64,
    /// How many at most.
    pub limit: u32,
}
