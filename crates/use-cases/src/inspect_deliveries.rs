//! See what became of an endpoint's deliveries, and deliver again.

use domain::{Delivery, DeliveryId, DeliveryStatus, EndpointId, FieldCode, FieldError, Refusal, Repeat, Timestamp};
use ports::{DeliveryPage, DeliveryQuery, NewDelivery, ReplayQuery, ReplayableEvent};

use crate::{Answer, Caller, Failure, Once, Service};

/// How many events are queued at once.
const BATCH: u32 = 500;

impl Service {
    /// How many events one replay queues at most.
    pub const MAX_REPLAYED: usize = 100_000;

    /// A page of an endpoint's deliveries, newest first.
    ///
    /// # Errors
    /// [`Failure::EndpointNotFound`], [`Failure::Refused`] when `query.after` is no delivery of the endpoint's, or the
    /// store's.
    pub async fn list_deliveries(&self, query: DeliveryQuery) -> Result<DeliveryPage, Failure> {
        self.stored_endpoint(query.endpoint_id).await?;
        self.ports.deliveries.list(query).await?.ok_or_else(|| {
            let detail = "must be the id of a delivery to this endpoint; leave it out to begin with the newest";
            Refusal::InvalidFields(vec![FieldError::new("after", FieldCode::Invalid, detail)]).into()
        })
    }

    /// Delivers the event of a delivery again, at once and whatever else waits for the customer.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], [`Failure::DeliveryNotFound`], what `once` brings, or the
    /// store's.
    pub async fn redeliver(
        &self,
        caller: Caller,
        endpoint: EndpointId,
        delivery: DeliveryId,
        once: Option<Once<'_, Delivery>>,
    ) -> Result<Answer<Delivery>, Failure> {
        caller.require_write()?;
        self.once(caller, once, async |recorder| {
            self.stored_endpoint(endpoint).await?;
            let found = self.ports.deliveries.find_delivery(endpoint, delivery).await?;
            let (repeat, now) = (self.ports.ids.delivery_id(), self.ports.clock.now());
            let queued = Delivery {
                id: repeat,
                status: DeliveryStatus::Pending { next_try_at: Some(now) },
                repeat: Some(Repeat::Redelivery),
                created_at: now,
                tries: Vec::new(),
                ..found.ok_or(Failure::DeliveryNotFound)?
            };
            let record = recorder.record(Some(queued.customer_id), Ok(&queued));
            if !self.ports.deliveries.redeliver(endpoint, delivery, repeat, now, record).await? {
                return Err(Failure::DeliveryNotFound);
            }
            self.ports.signal.announce();
            Ok(queued)
        })
        .await
    }

    /// Delivers all events again that the endpoint takes and that happened at `since` or later, also those from before
    /// it was made, but not those that it is still to be sent for the first time. Returns how many they are.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], [`Failure::Refused`] when they are more than
    /// [`MAX_REPLAYED`](Self::MAX_REPLAYED), what `once` brings, or the store's.
    pub async fn replay(
        &self,
        caller: Caller,
        id: EndpointId,
        since: Timestamp,
        once: Option<Once<'_, usize>>,
    ) -> Result<Answer<usize>, Failure> {
        caller.require_write()?;
        self.once(caller, once, async |recorder| {
            let found = self.replayable(id, since).await?;
            let (queued, record) = (found.len(), recorder.record(None, Ok(&found.len())));
            let now = self.ports.clock.now();
            self.ports.deliveries.enqueue_repeats(id, found, Repeat::Replay, now, record).await?;
            self.ports.signal.announce();
            Ok(queued)
        })
        .await
    }

    /// The deliveries that a replay queues.
    async fn replayable(&self, id: EndpointId, since: Timestamp) -> Result<Vec<NewDelivery>, Failure> {
        let endpoint = self.stored_endpoint(id).await?.endpoint;
        let mut query =
            ReplayQuery { endpoint_id: id, event_types: endpoint.event_types, since, after: 0, limit: BATCH };
        let mut found: Vec<NewDelivery> = Vec::new();
        loop {
            let events = self.ports.deliveries.replayable(query.clone()).await?;
            let Some(last) = events.last().map(|event| event.position) else { return Ok(found) };
            if found.len() + events.len() > Self::MAX_REPLAYED {
                let detail = format!("must leave at most {} events to replay: take a later time", Self::MAX_REPLAYED);
                let errors = vec![FieldError::new("since", FieldCode::Invalid, detail)];
                return Err(Refusal::InvalidFields(errors).into());
            }
            found.extend(events.into_iter().map(|ReplayableEvent { event_id, customer_id, position }| NewDelivery {
                id: self.ports.ids.delivery_id(),
                event_id,
                customer_id,
                position,
            }));
            query.after = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, at, stored_endpoint, stored_event};

    fn world() -> World {
        let mut world = World::new();
        world.endpoints.expect_find().returning(|_| Ok(Some(stored_endpoint())));
        world
    }

    fn id() -> EndpointId {
        stored_endpoint().endpoint.id
    }

    fn replayed(position: i64) -> ReplayableEvent {
        let event = stored_event(1, position);
        ReplayableEvent { event_id: event.id, customer_id: event.customer_id, position }
    }

    #[tokio::test]
    async fn a_replay_walks_through_the_log_in_pieces_and_is_queued_as_a_whole() {
        let mut world = world();
        world.deliveries.expect_replayable().times(3).returning(|query| {
            assert_eq!((query.since, &query.event_types), (at(5), &stored_endpoint().endpoint.event_types));
            let first = query.after + 1;
            Ok(if first < 1_000 { (first..first + 500).map(replayed).collect() } else { Vec::new() })
        });
        world.deliveries.expect_enqueue_repeats().once().returning(|_, deliveries, repeat, now, _| {
            assert_eq!((deliveries.len(), repeat, now), (1_000, Repeat::Replay, World::NOW));
            assert!(deliveries.iter().all(|one| one.id.uuid() == uuid::Uuid::from_u128(0xd0)), "each has an id");
            Ok(())
        });
        assert_eq!(world.service().replay(WRITER, id(), at(5), None).await, Ok(Answer::Fresh(1_000)));
    }

    #[tokio::test]
    async fn a_replay_of_too_much_queues_nothing() {
        let mut world = world();
        world
            .deliveries
            .expect_replayable()
            .returning(|query| Ok((query.after + 1..=query.after + 500).map(replayed).collect()));
        let outcome = world.service().replay(WRITER, id(), at(0), None).await;
        let Err(Failure::Refused(Refusal::InvalidFields(errors))) = outcome else { panic!("{outcome:?}") };
        assert_eq!(errors[0].field, "since");
    }

    #[tokio::test]
    async fn a_delivery_that_is_not_there_is_not_found_and_a_read_key_repeats_nothing() {
        let mut world = world();
        world.deliveries.expect_find_delivery().returning(|_, _| Ok(None));
        world.deliveries.expect_list().returning(|_| Ok(None));
        let service = world.service();
        let delivery = DeliveryId::from(uuid::Uuid::nil());
        assert_eq!(service.redeliver(WRITER, id(), delivery, None).await, Err(Failure::DeliveryNotFound));
        assert_eq!(service.redeliver(READER, id(), delivery, None).await, Err(Failure::Forbidden));
        assert_eq!(service.replay(READER, id(), at(0), None).await, Err(Failure::Forbidden));
        let query = DeliveryQuery { endpoint_id: id(), status: None, after: Some(delivery), limit: 1 };
        let outcome = service.list_deliveries(query).await;
        assert!(matches!(outcome, Err(Failure::Refused(Refusal::InvalidFields(_)))), "{outcome:?}");
    }
}
