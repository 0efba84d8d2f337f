//! That there is something new, told so that nobody has to look again and again.

use async_trait::async_trait;

/// Tells those who wait for events that there are new ones: all of this process, and others as far as the store can.
/// It may tell too often, and once in a while not at all: who waits looks by himself now and then.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait EventSignal: Send + Sync {
    /// Says that events were stored. Returns at once.
    fn announce(&self);

    /// How often it has been said until now.
    fn count(&self) -> u64;

    /// Waits until it has been said more often than `count` times, and returns how often then.
    async fn heard(&self, count: u64) -> u64;
}
