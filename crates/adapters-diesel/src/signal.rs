//! Telling that there are new events: within the process at once, and on PostgreSQL to other processes too.

use async_trait::async_trait;
use ports::EventSignal;
use tokio::sync::watch;

/// Counts what was said, for all who wait.
pub(crate) struct Signal {
    count: watch::Sender<u64>,
    /// Counts what was said in this process alone, for whoever passes it on.
    own: watch::Sender<u64>,
}

impl Signal {
    pub(crate) fn new() -> Self {
        Self { count: watch::Sender::new(0), own: watch::Sender::new(0) }
    }

    /// Somebody else has said it.
    pub(crate) fn pass_on(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    /// How often it has been said in this process.
    pub(crate) fn own_count(&self) -> u64 {
        *self.own.borrow()
    }
}

#[async_trait]
impl EventSignal for Signal {
    fn announce(&self) {
        self.own.send_modify(|count| *count += 1);
        self.pass_on();
    }

    fn count(&self) -> u64 {
        *self.count.borrow()
    }

    async fn heard(&self, count: u64) -> u64 {
        // The sender lives as long as this does, so the wait does not fail.
        self.count.subscribe().wait_for(|now| *now != count).await.map_or(count, |now| *now)
    }
}
