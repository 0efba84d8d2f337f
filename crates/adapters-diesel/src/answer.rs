//! Whoever asks the database something and waits, and whoever answers him: each is told in a bounded time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ports::StoreError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::failure::Failure;

/// How long a caller waits for a connection.
const QUEUE_WAIT: Duration = Duration::from_secs(2);
/// How long a caller waits for an answer.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// A question and the place of its answer.
pub(crate) fn ask<T>() -> (Asker<T>, Answer<T>) {
    let (sender, receiver) = oneshot::channel();
    let is_begun = Arc::new(AtomicBool::new(false));
    (Asker { sender: Some(sender), is_begun: Arc::clone(&is_begun) }, Answer { receiver, is_begun })
}

/// Whoever waits for an answer, as the thread sees him that gives it.
pub(crate) struct Asker<T> {
    sender: Option<oneshot::Sender<Result<T, StoreError>>>,
    is_begun: Arc<AtomicBool>,
}

impl<T> Asker<T> {
    /// Whether to begin: whoever has waited too long was told that nothing is done.
    pub(crate) fn begin(&self) -> bool {
        !self.is_begun.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn answer(mut self, result: Result<T, Failure>) {
        self.send(result.map_err(StoreError::from));
    }

    fn send(&mut self, result: Result<T, StoreError>) {
        // Where it fails, nobody waits any more.
        let _ = self.sender.take().map(|sender| sender.send(result));
    }
}

/// Everybody is answered.
impl<T> Drop for Asker<T> {
    fn drop(&mut self) {
        if self.sender.is_some() {
            self.send(Err(if thread::panicking() {
                StoreError::Rejected("work on the database panicked".to_owned())
            } else {
                unavailable("too many wait for a connection")
            }));
        }
    }
}

/// An answer that is waited for.
pub(crate) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, StoreError>>,
    is_begun: Arc<AtomicBool>,
}

impl<T> Answer<T> {
    /// The answer, of which the beginning is waited for as long as every caller does.
    pub(crate) async fn within(mut self, limit: Duration) -> Result<T, StoreError> {
        let answered = match timeout(QUEUE_WAIT, &mut self.receiver).await {
            Ok(answered) => answered,
            Err(_) if !self.is_begun.swap(true, Ordering::AcqRel) => {
                return Err(unavailable("no connection was free in time"));
            }
            Err(_) => timeout(limit, self.receiver).await.map_err(|_| unavailable("no answer in time"))?,
        };
        told(answered)
    }

    #[cfg(test)]
    pub(crate) fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::Acquire)
    }

    /// The same with the time that every caller has. Where it is not begun after `a_while`, `help` is called for.
    pub(crate) async fn get(mut self, a_while: Duration, help: impl FnOnce()) -> Result<T, StoreError> {
        if let Ok(answered) = timeout(a_while, &mut self.receiver).await {
            return told(answered);
        }
        if !self.is_begun.load(Ordering::Acquire) {
            help();
        }
        self.within(ANSWER_WAIT).await
    }
}

/// An asker does not go without an answer.
fn told<T>(answered: Result<Result<T, StoreError>, oneshot::error::RecvError>) -> Result<T, StoreError> {
    answered.unwrap_or_else(|_| Err(unavailable("no answer")))
}

pub(crate) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
