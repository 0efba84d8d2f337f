//! The worker of the message broker: publish what is new, in the order of each customer's events.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::EventType;
use ports::{EventBroker, LeaseError, OutgoingEvent, StoredEvent};

use super::HeldLease;
use super::waiting::{News, STORE_PAUSE, Stop};
use crate::Service;

/// How many events are read at once.
const BATCH: u32 = 256;
/// The waits after failures in a row: each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The worker. Events that the broker does not take wait in the log of events; none is ever given up.
pub(super) struct BrokerWorker {
    service: Arc<Service>,
    broker: Arc<dyn EventBroker>,
    lease: HeldLease,
    stop: Stop,
}

impl BrokerWorker {
    pub(super) fn new(service: Arc<Service>, broker: Arc<dyn EventBroker>, lease: HeldLease, stop: Stop) -> Self {
        Self { service, broker, lease, stop }
    }

    /// Works until it is told to end, or the lease is lost.
    pub(super) async fn run(mut self) {
        let mut news = News::new();
        let mut pause = FIRST_PAUSE;
        while !self.stop.is_told() {
            if news.take(&*self.service.ports.signal) {
                match self.publish_all().await {
                    Ok(Ok(())) => pause = FIRST_PAUSE,
                    Ok(Err(reason)) => {
                        tracing::warn!(reason, "the message broker does not take events; they wait");
                        self.stop.pause(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        news = News::new();
                    }
                    Err(LeaseError::Lost) => return,
                    Err(LeaseError::Store(error)) => {
                        tracing::warn!(%error, "events for the message broker wait for the store");
                        self.stop.pause(STORE_PAUSE).await;
                        news = News::new();
                    }
                }
            }
            tokio::select! {
                () = self.stop.told() => {}
                () = news.wait(&*self.service.ports.signal) => {}
            }
        }
    }

    /// Publishes until there is nothing new, or the broker refuses, which is the inner error.
    async fn publish_all(&self) -> Result<Result<(), String>, LeaseError> {
        let receiver = self.lease.lease.receiver;
        loop {
            let arrivals = self.service.ports.receivers.arrivals(receiver, BATCH).await?;
            if arrivals.is_empty() || self.stop.is_told() {
                return Ok(Ok(()));
            }
            if !self.lease.is_held() {
                return Err(LeaseError::Lost);
            }
            let (taken, refused) = self.publish(arrivals).await;
            if let Some(position) = taken.last().map(|event| event.position) {
                let accepted = taken.iter().map(|event| event.id).collect();
                let now = self.service.ports.clock.now();
                self.service.ports.receivers.advance(self.lease.lease, position, accepted, now).await?;
            }
            if let Some(reason) = refused {
                return Ok(Err(reason));
            }
        }
    }

    /// Publishes events in waves in which no customer has two, so that a lost one is never overtaken by the same
    /// customer's next. Returns those up to the first that was not taken, and why that was not. What was erased is not
    /// published, and before it is told of a customer's erasure, what the broker has of him is removed.
    async fn publish(&self, events: Vec<StoredEvent>) -> (Vec<StoredEvent>, Option<String>) {
        let mut taken: Vec<StoredEvent> = Vec::with_capacity(events.len());
        let mut rest = events.into_iter().peekable();
        while rest.peek().is_some() {
            let mut customers = HashSet::new();
            let mut wave: Vec<StoredEvent> = Vec::new();
            while let Some(event) = rest.next_if(|event| !customers.contains(&event.customer_id)) {
                customers.insert(event.customer_id);
                wave.push(event);
            }
            for event in wave.iter().filter(|event| event.event_type == EventType::CustomerErased.as_str()) {
                if let Err(reason) = self.broker.purge(event.customer_id).await {
                    return (taken, Some(reason));
                }
            }
            let sent: Vec<&StoredEvent> = wave.iter().filter(|event| !event.is_erased).collect();
            let outgoing = sent.into_iter().cloned().map(OutgoingEvent::from).collect();
            let mut outcomes = self.broker.publish(outgoing).await.into_iter();
            for event in wave {
                let outcome = if event.is_erased { Some(Ok(())) } else { outcomes.next() };
                match outcome.unwrap_or_else(|| Err("the broker said nothing of it".to_owned())) {
                    Ok(()) => taken.push(event),
                    // Those of the wave that were taken after it are published again, and known by their id.
                    Err(reason) => return (taken, Some(reason)),
                }
            }
        }
        (taken, None)
    }
}
