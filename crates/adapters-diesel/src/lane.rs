//! A bounded number of threads, each with a blocking connection, for any number of asynchronous callers.
//!
//! A caller waits a bounded time for one of the lane's threads, in a queue of bounded length; what a thread has begun, it
//! does to its end, whether anybody still waits for it or not. So there are never more connections or waiting requests
//! than the lane allows, and a caller is always answered. Threads are started when they are needed first, and end with the
//! lane.
//!
//! The connections themselves are r2d2's. They are not tested before use (that would cost a round trip each time); one
//! that turns out to be lost takes all others of its time with it, and the work is done once more on a new one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::TransactionManager;
use ports::StoreError;
use r2d2::{ManageConnection, NopErrorHandler, Pool, PooledConnection};

use crate::answer::{ANSWER_WAIT, ask, unavailable};
use crate::failure::Failure;

/// How many callers may wait for one.
pub(crate) const QUEUE_LENGTH: usize = 1024;
/// After so long a connection is replaced, so that a moved or rebalanced database is found again.
const MAX_AGE: Duration = Duration::from_mins(30);

/// How long a new connection is waited for: longer than the two seconds that a dead host of several takes.
const OPEN_WAIT: Duration = Duration::from_secs(3);

/// See the module. The last of its clones ends the threads.
pub(crate) struct Lane<C: Connection + Send + 'static>(Arc<Owner<C>>);

impl<C: Connection + Send + 'static> Clone for Lane<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What is done on a thread of the lane, with a connection of the pool.
type Job<C> = Box<dyn FnOnce(&Connections<C>) + Send>;

/// The connections of a lane.
pub(crate) type Connections<C> = Pool<Opener<C>>;

struct Owner<C: Connection + Send + 'static>(Arc<Shared<C>>);

struct Shared<C: Connection + Send + 'static> {
    connections: Connections<C>,
    size: usize,
    queue: Mutex<Queue<C>>,
    /// Told of each new job, and of the end.
    news: Condvar,
}

struct Queue<C: Connection + Send + 'static> {
    jobs: VecDeque<Job<C>>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

impl<C: Connection + Send + 'static> Lane<C> {
    /// A lane of at most `size` connections, each made by `open` when it is first needed.
    pub(crate) fn new(size: u8, open: impl Fn() -> Result<C, Failure> + Send + Sync + 'static) -> Self {
        let connections = Pool::builder()
            .max_size(size.into())
            .min_idle(Some(0))
            .test_on_check_out(false)
            .max_lifetime(Some(MAX_AGE))
            .connection_timeout(OPEN_WAIT)
            // Whoever waits for the connection is told why there is none, and logs it.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(Opener { open: Box::new(open), losses: Arc::default() });
        let queue = Queue { jobs: VecDeque::new(), threads: 0, idle: 0, is_closed: false };
        let shared = Shared { connections, size: size.into(), queue: Mutex::new(queue), news: Condvar::new() };
        Self(Arc::new(Owner(Arc::new(shared))))
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
        let (asker, answer) = ask();
        let span = tracing::Span::current();
        self.post(Box::new(move |connections| {
            if asker.begin() {
                asker.answer(span.in_scope(|| perform(connections, &mut work)));
            }
        }))?;
        answer.within(limit).await
    }

    /// Puts a job at the end of the queue.
    pub(crate) fn post(&self, job: Job<C>) -> Result<(), StoreError> {
        let shared = &self.0.0;
        let mut queue = shared.queue();
        if queue.jobs.len() >= QUEUE_LENGTH {
            return Err(unavailable("too many wait for a connection"));
        }
        queue.jobs.push_back(job);
        if queue.jobs.len() <= queue.idle || queue.threads == shared.size {
            drop(queue);
            shared.news.notify_one();
            return Ok(());
        }
        let worker = Arc::clone(shared);
        let started = thread::Builder::new().name("database".to_owned()).spawn(move || worker.work());
        match started {
            Ok(_) => queue.threads += 1,
            // Another one does it, where there is one.
            Err(_) if queue.threads > 0 => {}
            Err(error) => {
                queue.jobs.pop_back();
                return Err(StoreError::Unavailable(format!("no thread can be started: {error}")));
            }
        }
        Ok(())
    }

    /// Whether anybody waits for a thread that is busy.
    pub(crate) fn is_waited_for(&self) -> bool {
        let queue = self.0.0.queue();
        queue.jobs.len() > queue.idle
    }
}

impl<C: Connection + Send + 'static> Shared<C> {
    fn queue(&self) -> MutexGuard<'_, Queue<C>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life. What is in the queue at the end is done: somebody may wait for it.
    fn work(&self) {
        let mut queue = self.queue();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                // Whoever waits for it is told by the loss of his asker.
                if catch_unwind(AssertUnwindSafe(|| job(&self.connections))).is_err() {
                    tracing::error!("work on the database panicked");
                }
                queue = self.queue();
            } else if queue.is_closed {
                return;
            } else {
                queue.idle += 1;
                queue = self.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}

impl<C: Connection + Send + 'static> Drop for Owner<C> {
    fn drop(&mut self) {
        self.0.queue().is_closed = true;
        self.0.news.notify_all();
    }
}

/// Does work on a connection, once more where it was lost.
pub(crate) fn perform<C: Connection + Send + 'static, T>(
    connections: &Connections<C>,
    work: &mut impl FnMut(&mut C) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match attempt(connections, work) {
        Err(Failure::Lost(reason)) => {
            tracing::warn!(reason, "a database connection was lost; trying once more on a new one");
            attempt(connections, work)
        }
        done => done,
    }
}

fn attempt<C: Connection + Send + 'static, T>(
    connections: &Connections<C>,
    work: &mut impl FnMut(&mut C) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut slot = take(connections)?;
    let result = work(&mut slot.connection);
    if let Err(Failure::Lost(_) | Failure::InDoubt(_)) = result {
        slot.lose();
    }
    result
}

/// A connection that has not been outlived by a loss. There are as many as threads, so there is always one to be had or
/// made.
fn take<C: Connection + Send + 'static>(connections: &Connections<C>) -> Result<PooledConnection<Opener<C>>, Failure> {
    loop {
        let slot = connections.get().map_err(|error| Failure::Unavailable(error.to_string()))?;
        if slot.is_current() {
            return Ok(slot);
        }
    }
}

/// Opens connections for the pool.
pub(crate) struct Opener<C> {
    open: Box<dyn Fn() -> Result<C, Failure> + Send + Sync>,
    losses: Arc<AtomicU64>,
}

pub(crate) struct Slot<C> {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use diesel::SqliteConnection;
    use tokio::sync::oneshot;

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
    async fn a_panic_is_an_error_and_takes_no_thread_with_it() {
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

    /// Keeps the lane's one thread until what is returned is dropped.
    async fn occupied(lane: &Lane<SqliteConnection>) -> std::sync::mpsc::Sender<()> {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begun, beginning) = oneshot::channel();
        let job = move |_: &Connections<_>| {
            let _ = begun.send(());
            let _ = released.recv();
        };
        lane.post(Box::new(job)).unwrap();
        beginning.await.unwrap();
        release
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_answered_after_his_time_and_what_was_not_begun_is_not_done() {
        let (lane, _) = lane(1);
        let release = occupied(&lane).await;
        let is_done = Arc::new(AtomicBool::new(false));
        let too_late = is_done.clone();
        let work = move |_: &mut SqliteConnection| {
            too_late.store(true, Ordering::SeqCst);
            Ok(())
        };
        let refused = lane.run(work).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        tokio::time::resume();
        drop(release);
        assert_eq!(lane.run(|_| Ok(7)).await, Ok(7));
        assert!(!is_done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn what_is_begun_is_done_though_nobody_waits_for_it_any_more() {
        let (lane, _) = lane(1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begun, beginning) = oneshot::channel();
        let (finished, finish) = oneshot::channel();
        let (mut begun, mut finished) = (Some(begun), Some(finished));
        let caller = tokio::spawn({
            let lane = lane.clone();
            async move {
                let work = move |_: &mut SqliteConnection| {
                    let _ = begun.take().map(|begun| begun.send(()));
                    let _ = released.recv();
                    let _ = finished.take().map(|finished| finished.send(()));
                    Ok(())
                };
                lane.run(work).await
            }
        });
        beginning.await.unwrap();
        caller.abort();
        drop(release);
        finish.await.unwrap();
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let (lane, _) = lane(1);
        let release = occupied(&lane).await;
        for _ in 0..QUEUE_LENGTH {
            lane.post(Box::new(|_| {})).unwrap();
        }
        let refused = lane.run(|_| Ok(())).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        drop(release);
        while lane.is_waited_for() {
            tokio::task::yield_now().await;
        }
        assert_eq!(lane.run(|_| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn threads_and_connections_end_with_the_lane() {
        let (lane, _) = lane(2);
        lane.run(|_| Ok(())).await.unwrap();
        let shared = Arc::downgrade(&lane.0.0);
        drop(lane);
        while shared.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
