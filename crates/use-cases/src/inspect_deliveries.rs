//! See what became of an endpoint's deliveries, and deliver again.

use domain::{Delivery, DeliveryId, EndpointId, FieldCode, FieldError, Refusal, Repeat, Timestamp};
use ports::{DeliveryPage, DeliveryQuery, NewDelivery, ReplayQuery};

use crate::{Caller, Failure, Service};

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
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], [`Failure::DeliveryNotFound`], or the store's.
    pub async fn redeliver(
        &self,
        caller: Caller,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<Delivery, Failure> {
        caller.require_write()?;
        self.stored_endpoint(endpoint).await?;
        let (repeat, now) = (self.ports.ids.delivery_id(), self.ports.clock.now());
        let queued = self.ports.deliveries.redeliver(endpoint, delivery, repeat, now).await?;
        self.ports.signal.announce();
        queued.ok_or(Failure::DeliveryNotFound)
    }

    /// Delivers all events again that the endpoint takes, that happened at `since` or later, and that it has been sent
    /// or was to be sent already. Returns how many they are.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::EndpointNotFound`], [`Failure::Refused`] when they are more than
    /// [`MAX_REPLAYED`](Self::MAX_REPLAYED), or the store's, after which some may be queued.
    pub async fn replay(&self, caller: Caller, id: EndpointId, since: Timestamp) -> Result<usize, Failure> {
        caller.require_write()?;
        let endpoint = self.stored_endpoint(id).await?.endpoint;
        let mut query =
            ReplayQuery { endpoint_id: id, event_types: endpoint.event_types, since, after: 0, limit: BATCH };
        let mut found: Vec<NewDelivery> = Vec::new();
        loop {
            let events = self.ports.deliveries.replayable(query.clone()).await?;
            let Some(last) = events.last().map(|event| event.position) else { break };
            if found.len() + events.len() > Self::MAX_REPLAYED {
                let detail = format!("must leave at most {} events to replay: take a later time", Self::MAX_REPLAYED);
                let errors = vec![FieldError::new("since", FieldCode::Invalid, detail)];
                return Err(Refusal::InvalidFields(errors).into());
            }
            found.extend(events.into_iter().map(|event| NewDelivery { id: self.ports.ids.delivery_id(), ..event }));
            query.after = last;
        }
        let now = self.ports.clock.now();
        for events in found.chunks(BATCH as usize) {
            self.ports.deliveries.enqueue_repeats(id, events.to_vec(), Repeat::Replay, now).await?;
        }
        self.ports.signal.announce();
        Ok(found.len())
    }
}
