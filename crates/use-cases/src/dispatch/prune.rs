//! Removing events that are old, and what deleted endpoints have left.

use std::time::Duration;

use ports::{ReceiverId, StoreError};

use crate::Service;

/// How much is removed at once: so little that nobody waits for it.
const BATCH: u32 = 200;
/// The pause after each piece.
const BREATH: Duration = Duration::from_millis(20);
/// The longest pause between two rounds; where events are kept for a short time only, it is a tenth of that.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// The shortest.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Removes what is old, round after round.
pub(super) async fn prune_forever(service: &Service) {
    let kept = service.policies.event_retention.to_std().unwrap_or(LONGEST_PAUSE);
    let pause = (kept / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    loop {
        if let Err(error) = prune(service).await {
            tracing::warn!(%error, "old events were not removed; trying again later");
        }
        tokio::time::sleep(pause).await;
    }
}

async fn prune(service: &Service) -> Result<(), StoreError> {
    let ports = &service.ports;
    while ports.deliveries.prune_deleted(BATCH).await? {
        tokio::time::sleep(BREATH).await;
    }
    // A disabled endpoint does not keep events from being removed: it may never be enabled again.
    let endpoints = ports.endpoints.list().await?;
    let enabled = endpoints.iter().filter(|stored| stored.endpoint.disabled.is_none());
    let broker = ports.broker.is_some().then_some(ReceiverId::BROKER);
    let receivers: Vec<ReceiverId> =
        enabled.map(|stored| stored.endpoint.id.into()).chain([ReceiverId::LOG]).chain(broker).collect();
    let before = ports.clock.now() - service.policies.event_retention;
    let mut after = 0;
    while let Some(next) = ports.deliveries.prune(before, receivers.clone(), after, BATCH).await? {
        after = next;
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}
