//! A bounded number of blocking connections for any number of asynchronous callers.
//!
//! A caller waits a bounded time for one of the lane's permits, in a queue of bounded length; the work then runs on
//! a blocking thread that holds the permit until it is done, whether anybody still waits for it or not. So there are
//! never more threads, connections or waiting requests than the lane allows, and a caller is always answered.
//!
//! The connections themselves are r2d2's. They are not tested before use (that would cost a round trip each time); one
//! that turns out to be lost takes all others of its time with it, and the work is done once more on a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::Connection;
use diesel::connection::TransactionManager;
use ports::StoreError;
use r2d2::{ManageConnection, NopErrorHandler, Pool, PooledConnection};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::failure::Failure;

/// How long a caller waits for a connection.
const QUEUE_WAIT: Duration = Duration::from_secs(2);
/// How many callers may wait for one.
const QUEUE_LENGTH: usize = 1024;
/// How long a caller waits for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// After so long a connection is replaced, so that a moved or rebalanced database is found again.
const MAX_AGE: Duration = Duration::from_mins(30);

/// How long a new connection is waited for: longer than the two seconds that a dead host of several takes.
const OPEN_WAIT: Duration = Duration::from_secs(3);

/// See the module.
pub(crate) struct Lane<C: Connection + Send + 'static> {
    pool: Pool<Opener<C>>,
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl<C: Connection + Send + 'static> Clone for Lane<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), permits: Arc::clone(&self.permits), queue: Arc::clone(&self.queue) }
    }
}

impl<C: Connection + Send + 'static> Lane<C> {
    /// A lane of at most `size` connections, each made by `open` when it is first needed.
    pub(crate) fn new(size: u8, open: impl Fn() -> Result<C, Failure> + Send + Sync + 'static) -> Self {
        let pool = Pool::builder()
            .max_size(size.into())
            .min_idle(Some(0))
            .test_on_check_out(false)
            .max_lifetime(Some(MAX_AGE))
            .connection_timeout(OPEN_WAIT)
            // Whoever waits for the connection is told why there is none, and logs it.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(Opener { open: Box::new(open), losses: Arc::default() });
        let size = usize::from(size);
        Self { pool, permits: Arc::new(Semaphore::new(size)), queue: Arc::new(Semaphore::new(size + QUEUE_LENGTH)) }
    }

    /// Does `work` on one of the connections. It may be done a second time where the first one's connection was lost,
    /// so it must not have effects but on the database, and must say [`Failure::InDoubt`] where a repetition could do
    /// something twice.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_within(ANSWER_WAIT, work).await
    }

    /// The same with more time for the answer.
    pub(crate) async fn run_within<T: Send + 'static>(
        &self,
        limit: Duration,
        mut work: impl FnMut(&mut C) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _queued = self.queue.try_acquire().map_err(|_| unavailable("too many wait for a connection"))?;
        let permit = timeout(QUEUE_WAIT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| unavailable("no connection was free in time"))?
            .map_err(|_| unavailable("the connections are closed"))?;
        let pool = self.pool.clone();
        let span = tracing::Span::current();
        let job = spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(|| perform(&pool, &mut work))
        });
        match timeout(limit, job).await {
            Err(_) => Err(unavailable("no answer in time")),
            Ok(Ok(result)) => result.map_err(StoreError::from),
            Ok(Err(error)) if error.is_panic() => {
                tracing::error!("work on the database panicked");
                Err(StoreError::Rejected("work on the database panicked".to_owned()))
            }
            Ok(Err(_)) => Err(unavailable("the service is stopping")),
        }
    }
}

fn perform<C: Connection + Send + 'static, T>(
    pool: &Pool<Opener<C>>,
    work: &mut impl FnMut(&mut C) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match attempt(pool, work) {
        Err(Failure::Lost(reason)) => {
            tracing::warn!(reason, "a database connection was lost; trying once more on a new one");
            attempt(pool, work)
        }
        done => done,
    }
}

fn attempt<C: Connection + Send + 'static, T>(
    pool: &Pool<Opener<C>>,
    work: &mut impl FnMut(&mut C) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut slot = take(pool)?;
    let result = work(&mut slot.connection);
    if let Err(Failure::Lost(_) | Failure::InDoubt(_)) = result {
        slot.lose();
    }
    result
}

/// A connection that has not been outlived by a loss. With a permit in hand there is always one to be had or made.
fn take<C: Connection + Send + 'static>(pool: &Pool<Opener<C>>) -> Result<PooledConnection<Opener<C>>, Failure> {
    loop {
        let slot = pool.get().map_err(|error| Failure::Unavailable(error.to_string()))?;
        if slot.is_current() {
            return Ok(slot);
        }
    }
}

/// Opens connections for the pool.
struct Opener<C> {
    open: Box<dyn Fn() -> Result<C, Failure> + Send + Sync>,
    losses: Arc<AtomicU64>,
}

struct Slot<C> {
    connection: C,
    /// How often a connection of the pool was lost, and how often until this one was opened. Those that were opened
    /// before a loss are most likely lost too.
    losses: Arc<AtomicU64>,
    opened_after: u64,
}

impl<C> Slot<C> {
    fn is_current(&self) -> bool {
        self.opened_after == self.losses.load(Ordering::Acquire)
    }

    /// Of connections that are lost together, the first one counts.
    fn lose(&self) {
        let (before, after) = (self.opened_after, self.opened_after + 1);
        // Where it fails, another one has counted.
        let _ = self.losses.compare_exchange(before, after, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl<C: Connection + Send + 'static> ManageConnection for Opener<C> {
    type Connection = Slot<C>;
    type Error = Failure;

    fn connect(&self) -> Result<Slot<C>, Failure> {
        let opened_after = self.losses.load(Ordering::Acquire);
        Ok(Slot { connection: (self.open)()?, losses: Arc::clone(&self.losses), opened_after })
    }

    fn is_valid(&self, _: &mut Slot<C>) -> Result<(), Failure> {
        Ok(())
    }

    /// Only a connection as good as new goes back.
    fn has_broken(&self, slot: &mut Slot<C>) -> bool {
        let status = C::TransactionManager::transaction_manager_status_mut(&mut slot.connection);
        let is_between_transactions = matches!(status.transaction_depth(), Ok(None));
        !(is_between_transactions && slot.is_current())
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use diesel::SqliteConnection;

    use super::*;

    /// A lane, and how many connections it has opened.
    fn lane(size: u8) -> (Lane<SqliteConnection>, Arc<AtomicUsize>) {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = opened.clone();
        let open = move || {
            count.fetch_add(1, Ordering::SeqCst);
            SqliteConnection::establish(":memory:").map_err(|error| Failure::Unavailable(error.to_string()))
        };
        (Lane::new(size, open), opened)
    }

    /// Work that fails so at its first attempts, and how often it was attempted.
    async fn attempts(lane: &Lane<SqliteConnection>, fail: fn(String) -> Failure) -> (bool, usize) {
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = attempts.clone();
        let result = lane.run(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Err(fail("as the test wants".to_owned())),
            _ => Ok(()),
        });
        (result.await.is_ok(), attempts.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_lost_connection_is_replaced_and_the_work_done_once_more() {
        let (lane, opened) = lane(2);
        assert_eq!(attempts(&lane, Failure::Lost).await, (true, 2));
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_may_be_stored_is_not_done_again() {
        let (lane, opened) = lane(2);
        assert_eq!(attempts(&lane, Failure::InDoubt).await, (false, 1));
        assert_eq!(attempts(&lane, Failure::Unavailable).await, (false, 1));
        assert_eq!(opened.load(Ordering::SeqCst), 2, "the connection in doubt is gone, the other is kept");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_takes_no_permit_with_it() {
        let (lane, _) = lane(1);
        for _ in 0..3 {
            let result = lane.run(|_| -> Result<(), Failure> { panic!("as the test wants") }).await;
            assert!(matches!(result, Err(StoreError::Rejected(_))), "{result:?}");
        }
        assert_eq!(lane.run(|_| Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn a_connection_left_in_a_transaction_is_not_used_again() {
        let (lane, opened) = lane(1);
        lane.run(|connection| {
            <SqliteConnection as Connection>::TransactionManager::begin_transaction(connection).map_err(Failure::from)
        })
        .await
        .unwrap();
        lane.run(|_| Ok(())).await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_caller_gets_no_answer_after_his_time_and_the_permit_is_free_when_the_work_is_done() {
        let (lane, _) = lane(1);
        let slow = |_: &mut SqliteConnection| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(())
        };
        let unanswered = lane.run_within(Duration::from_millis(10), slow).await;
        assert!(matches!(unanswered, Err(StoreError::Unavailable(_))), "{unanswered:?}");
        assert_eq!(lane.permits.available_permits(), 0, "the work goes on");
        assert_eq!(lane.run(|_| Ok(7)).await, Ok(7));
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let (lane, _) = lane(1);
        let all = u32::try_from(QUEUE_LENGTH + 1).unwrap();
        let queued = lane.queue.acquire_many(all).await.unwrap();
        let refused = lane.run(|_| Ok(())).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        drop(queued);
        assert_eq!(lane.run(|_| Ok(())).await, Ok(()));
    }
}
