//! Endpoints, leases and deliveries as the dispatcher makes them, each with ids of its own.

use chrono::TimeDelta;
use domain::{
    AfterTry, Change, Delivery, DeliveryId, DeliveryTry, EndpointId, EventId, EventType, Timestamp, WebhookEndpoint,
};
use ports::{
    DeliveryQuery, DueDeliveries, DueDelivery, Lease, LeaseHolder, NewDelivery, ReceiverId, RecordedTry, Sealed,
    StoredEndpoint, StoredEvent,
};

use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_uuid, new_customer};

pub(crate) fn holder() -> LeaseHolder {
    LeaseHolder(fresh_uuid())
}

pub(crate) fn receiver() -> ReceiverId {
    ReceiverId(fresh_uuid())
}

/// An endpoint with as little as it can have.
pub(crate) fn new_endpoint(seconds: i64) -> StoredEndpoint {
    let id = EndpointId::from(fresh_uuid());
    StoredEndpoint {
        endpoint: WebhookEndpoint {
            id,
            url: "https://receiver.example/é?a=b".to_owned(),
            event_types: vec![EventType::Verification],
            description: None,
            disabled: None,
            failing_since: None,
            created_at: at(seconds),
            updated_at: at(seconds),
        },
        secret: Sealed(vec![0, 1, 255]),
        previous_secret: None,
    }
}

pub(crate) fn endpoint_of(lease: Lease) -> EndpointId {
    EndpointId::from(lease.receiver.0)
}

/// A receiver that is registered here, held by somebody.
pub(crate) async fn held_receiver(db: &Fixture) -> Lease {
    let receiver = receiver();
    db.database.receivers.register(receiver).await.unwrap();
    held(db, receiver).await
}

/// An endpoint that is stored here, held by somebody.
pub(crate) async fn held_endpoint(db: &Fixture) -> Lease {
    let endpoint = new_endpoint(0);
    let receiver = endpoint.endpoint.id.into();
    db.database.endpoints.insert(endpoint, None).await.unwrap();
    held(db, receiver).await
}

async fn held(db: &Fixture, receiver: ReceiverId) -> Lease {
    let holder = holder();
    let taken = db.database.receivers.take_leases(holder, vec![receiver]).await.unwrap();
    assert_eq!(taken, [receiver]);
    Lease { receiver, holder }
}

/// Sets the end of a lease back, as if its time had passed.
pub(crate) fn end_lease(db: &Fixture, receiver: ReceiverId) {
    let past = if db.is_sqlite() { "1" } else { "to_timestamp(1)" };
    let id = db.literal(receiver.0);
    db.execute(&format!("UPDATE receivers SET lease_ends_at = {past} WHERE id = {id}"));
}

/// Saves a change and returns its event, which has its number.
pub(crate) async fn event(db: &Fixture, change: &Change) -> StoredEvent {
    db.save(change).await;
    let id = change.events()[0].id;
    db.database.events.last().await.unwrap();
    db.database.events.find(id).await.unwrap().expect("it was saved")
}

/// The first event of a new customer.
pub(crate) async fn first_event(db: &Fixture) -> StoredEvent {
    event(db, &creation(new_customer())).await
}

pub(crate) fn delivery_of(event: &StoredEvent) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from(fresh_uuid()),
        event_id: event.id,
        customer_id: event.customer_id,
        position: event.position,
    }
}

/// Queues events, and moves the endpoint's place to the last of them.
pub(crate) async fn queue(db: &Fixture, lease: Lease, events: &[&StoredEvent], seconds: i64) -> Vec<DeliveryId> {
    let deliveries: Vec<NewDelivery> = events.iter().map(|event| delivery_of(event)).collect();
    let ids = deliveries.iter().map(|delivery| delivery.id).collect();
    let position = events.last().map_or(0, |event| event.position);
    db.database.deliveries.enqueue(lease, deliveries, position, at(seconds)).await.unwrap();
    ids
}

pub(crate) async fn due(db: &Fixture, lease: Lease, seconds: i64) -> DueDeliveries {
    db.database.deliveries.due(endpoint_of(lease), at(seconds), 100).await.unwrap()
}

/// What is due, by the events' ids.
pub(crate) async fn due_events(db: &Fixture, lease: Lease, seconds: i64) -> Vec<EventId> {
    due(db, lease, seconds).await.deliveries.iter().map(|due| due.event.id).collect()
}

/// The one delivery that is due.
pub(crate) async fn one_due(db: &Fixture, lease: Lease, seconds: i64) -> DueDelivery {
    let mut due = due(db, lease, seconds).await.deliveries;
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

/// A try that began at a time, with an answer that fits what happens then.
pub(crate) fn tried(due: &DueDelivery, seconds: i64, then: AfterTry) -> RecordedTry {
    let status_code = if then == AfterTry::Accepted { 204 } else { 500 };
    RecordedTry {
        delivery: due.id,
        event: due.event.id,
        position: due.event.position,
        customer_id: due.event.customer_id,
        repeat: due.repeat,
        number: due.tries + 1,
        tried: DeliveryTry {
            at: at(seconds),
            duration: TimeDelta::milliseconds(31),
            status_code: Some(status_code),
            answer: None,
            error: None,
        },
        then,
    }
}

pub(crate) async fn record(db: &Fixture, lease: Lease, tries: Vec<RecordedTry>, seconds: i64) {
    db.database.deliveries.record(lease, tries, at(seconds)).await.unwrap();
}

/// Tries the one delivery that is due, and what happens then.
pub(crate) async fn try_due(db: &Fixture, lease: Lease, seconds: i64, then: AfterTry) -> DueDelivery {
    let due = one_due(db, lease, seconds).await;
    record(db, lease, vec![tried(&due, seconds, then)], seconds).await;
    due
}

pub(crate) fn retry(seconds: i64) -> AfterTry {
    AfterTry::Retry { at: at(seconds) }
}

/// All deliveries to an endpoint, newest first.
pub(crate) async fn all(db: &Fixture, endpoint_id: EndpointId) -> Vec<Delivery> {
    let query = DeliveryQuery { endpoint_id, status: None, after: None, limit: 1_000 };
    db.database.deliveries.list(query).await.unwrap().unwrap().deliveries
}

pub(crate) async fn failing_since(db: &Fixture, endpoint: EndpointId) -> Option<Timestamp> {
    db.database.endpoints.find(endpoint).await.unwrap().unwrap().endpoint.failing_since
}
