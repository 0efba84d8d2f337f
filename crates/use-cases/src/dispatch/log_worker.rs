//! The worker of the service's own log: a line for each event.

use std::sync::Arc;
use std::time::Duration;

use domain::EventType;
use ports::{LeaseError, StoredEvent};

use super::waiting::{News, STORE_PAUSE, Stop};
use super::{HeldLease, prune};
use crate::Service;

/// How many events are read at once.
const BATCH: u32 = 500;
/// How long after a look the next one is taken at the earliest: nobody waits for a line of the log, and each look costs the
/// requests that make the events two commits.
const PAUSE: Duration = Duration::from_millis(100);

/// The worker. Who holds the log's lease also removes old events.
pub(super) struct LogWorker {
    service: Arc<Service>,
    lease: HeldLease,
    stop: Stop,
}

impl LogWorker {
    pub(super) fn new(service: Arc<Service>, lease: HeldLease, stop: Stop) -> Self {
        Self { service, lease, stop }
    }

    /// Works until it is told to end, or the lease is lost.
    pub(super) async fn run(self) {
        let Self { service, lease, mut stop } = self;
        let mut end = stop.clone();
        tokio::select! {
            () = end.told() => {}
            () = tell_all(&service, &lease, &mut stop) => {}
            () = prune::prune_forever(&service) => {}
        }
    }
}

/// Returns when the lease is lost.
async fn tell_all(service: &Service, lease: &HeldLease, stop: &mut Stop) {
    let signal = &*service.ports.signal;
    let mut news = News::new();
    loop {
        if news.take(signal) {
            match tell_new(service, lease).await {
                Ok(()) => {}
                Err(LeaseError::Lost) => return,
                Err(LeaseError::Store(error)) => {
                    tracing::warn!(%error, "events are not logged before the store answers");
                    stop.pause(STORE_PAUSE).await;
                    news = News::new();
                    continue;
                }
            }
        }
        stop.pause(PAUSE).await;
        news.wait(signal).await;
    }
}

async fn tell_new(service: &Service, lease: &HeldLease) -> Result<(), LeaseError> {
    loop {
        let arrivals = service.ports.receivers.arrivals(lease.lease.receiver, BATCH).await?;
        let Some(position) = arrivals.last().map(|event| event.position) else { return Ok(()) };
        service.ports.receivers.advance(lease.lease, position, Vec::new(), service.ports.clock.now()).await?;
        arrivals.iter().for_each(tell);
    }
}

/// No personal data: an id says who, to those who may know.
fn tell(event: &StoredEvent) {
    let (event_id, customer_id, event_type) = (event.id, event.customer_id, &event.event_type);
    let status = match EventType::parse(event_type) {
        Some(EventType::Verification) if event.token_generated_at.is_some() => Some("pending"),
        Some(EventType::Verification) => Some("confirmed"),
        Some(EventType::CustomerUpdated | EventType::CustomerErased) | None => None,
    };
    tracing::info!(%event_id, event_type, %customer_id, status, "event");
}
