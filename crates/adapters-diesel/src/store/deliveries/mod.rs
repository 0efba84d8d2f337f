//! Deliveries to webhook endpoints: queued, tried, recorded, looked at, pruned.

mod erase;
mod prune;
mod queue;
mod read;
mod record;

pub(super) use self::erase::erase;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{CustomerId, Delivery, DeliveryId, EndpointId, Repeat, Timestamp};
use ports::{
    DeliveryPage, DeliveryQuery, DeliveryRepository, DueDeliveries, IdempotencyRecord, Lease, LeaseError, NewDelivery,
    ReceiverId, RecordError, RecordedTry, ReplayQuery, ReplayableEvent, StoreError,
};

use super::{Connection, Failure, Store, first_pending, write};
use crate::schema::deliveries;
use crate::sql_types::{RowId, RowInstant};

/// How many ids one statement names, where there may be any number of them: SQLite takes no more than 32,766.
const BATCH: usize = 500;

#[async_trait]
impl DeliveryRepository for Store {
    async fn enqueue(
        &self,
        lease: Lease,
        deliveries: Vec<NewDelivery>,
        position: i64,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        let endpoint = EndpointId::from(lease.receiver.0);
        let work = move |connection: &mut Connection| queue::enqueue(connection, endpoint, &deliveries, now);
        self.as_holder(lease, Some(position), work).await
    }

    async fn due(&self, endpoint: EndpointId, now: Timestamp, limit: u32) -> Result<DueDeliveries, StoreError> {
        self.delivery_readers.run(move |connection| queue::due(connection, endpoint, now, limit)).await
    }

    async fn record(&self, lease: Lease, tries: Vec<RecordedTry>, now: Timestamp) -> Result<(), LeaseError> {
        let endpoint = EndpointId::from(lease.receiver.0);
        let work = move |connection: &mut Connection| record::record(connection, endpoint, &tries, now);
        self.as_holder(lease, None, work).await
    }

    async fn list(&self, query: DeliveryQuery) -> Result<Option<DeliveryPage>, StoreError> {
        self.readers.run(move |connection| read::list(connection, &query)).await
    }

    async fn find_delivery(&self, endpoint: EndpointId, delivery: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.readers.run(move |connection| read::find(connection, endpoint, delivery)).await
    }

    async fn redeliver(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
        repeat: DeliveryId,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<bool, RecordError> {
        let done = self.record_with(record, move |connection| {
            if !queue::keep(connection, endpoint)? {
                return Ok(None);
            }
            let Some((event_id, customer_id, position)) = read::event_of(connection, endpoint, delivery)? else {
                return Ok(None);
            };
            let again = NewDelivery { id: repeat, event_id, customer_id, position };
            queue::insert(connection, endpoint, &[again], Some(Repeat::Redelivery), now).map(Some)
        });
        Ok(done.await?.is_some())
    }

    async fn of_customer(&self, customer_id: CustomerId) -> Result<Vec<Delivery>, StoreError> {
        self.readers.run(move |connection| read::of_customer(connection, customer_id)).await
    }

    async fn replayable(&self, query: ReplayQuery) -> Result<Vec<ReplayableEvent>, StoreError> {
        self.readers.run(move |connection| read::replayable(connection, &query)).await
    }

    async fn enqueue_repeats(
        &self,
        endpoint: EndpointId,
        deliveries: Vec<NewDelivery>,
        repeat: Repeat,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<(), RecordError> {
        self.record_with(record, move |connection| {
            if !queue::keep(connection, endpoint)? {
                return Ok(None);
            }
            queue::insert(connection, endpoint, &deliveries, Some(repeat), now).map(Some)
        })
        .await
        .map(|_| ())
    }

    async fn prune(
        &self,
        before: Timestamp,
        receivers: Vec<ReceiverId>,
        after: i64,
        limit: u32,
    ) -> Result<Option<i64>, StoreError> {
        let receivers: Vec<RowId> = receivers.into_iter().map(|receiver| RowId(receiver.0)).collect();
        let window = self.readers.run(move |connection| prune::window(connection, before, after, limit)).await?;
        let old = window.old;
        if !old.is_empty() {
            self.writers
                .run(move |connection| {
                    write(connection, |connection| prune::events(connection, &receivers, &old, before))
                })
                .await?;
        }
        Ok(window.next)
    }

    async fn prune_deleted(&self, limit: u32) -> Result<bool, StoreError> {
        let Some(endpoint) = self.readers.run(prune::deleted_endpoint).await? else { return Ok(false) };
        self.writers
            .run(move |connection| write(connection, |connection| prune::deleted(connection, endpoint, limit)))
            .await?;
        Ok(true)
    }
}

/// Makes what waits for its next try due at once.
pub(super) fn hasten(connection: &mut Connection, endpoint: EndpointId, now: Timestamp) -> Result<(), Failure> {
    let now = RowInstant::from(now);
    let waiting = deliveries::table
        .filter(deliveries::endpoint_id.eq(RowId(endpoint.uuid())))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .filter(deliveries::next_try_at.gt(now));
    diesel::update(waiting).set(deliveries::next_try_at.eq(now)).execute(connection)?;
    Ok(())
}
