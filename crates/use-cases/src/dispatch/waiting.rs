//! How workers wait: for news, for a time, for the end.

use std::time::Duration;

use ports::EventSignal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a worker waits for news before it looks by itself.
pub(crate) const POLL: Duration = Duration::from_millis(500);
/// How long a worker leaves a store alone that failed.
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Tells a worker that it is to end: because it was told so, or because nobody runs it any more.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new(told: watch::Receiver<bool>) -> Self {
        Self(told)
    }

    /// Waits for it.
    pub(super) async fn told(&mut self) {
        // An error means that the sender is gone, which says the same.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    pub(super) fn is_told(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for so long, or less when it is to end.
    pub(super) async fn pause(&mut self, pause: Duration) {
        tokio::select! {
            () = self.told() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Hears of new events since it last asked.
pub(super) struct News {
    heard: u64,
    looked: Instant,
}

impl News {
    /// Nothing has been heard yet, so there may be news.
    pub(super) fn new() -> Self {
        Self { heard: u64::MAX, looked: Instant::now() }
    }

    /// Whether there may be news: something was said, or nobody has looked for a while. What is said from now on is
    /// news again.
    pub(super) fn take(&mut self, signal: &dyn EventSignal) -> bool {
        let count = signal.count();
        let is_news = count != self.heard || self.looked.elapsed() >= POLL;
        if is_news {
            (self.heard, self.looked) = (count, Instant::now());
        }
        is_news
    }

    /// Waits until there may be news.
    pub(super) async fn wait(&self, signal: &dyn EventSignal) {
        tokio::select! {
            _ = signal.heard(self.heard) => {}
            () = sleep_until(self.looked + POLL) => {}
        }
    }
}
