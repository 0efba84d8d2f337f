//! What a receiver's threads and its test share.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Answering, Received};

/// How often is looked whether the client of a request that hangs is still there: nobody tells.
const GLANCE: Duration = Duration::from_millis(50);

/// Looking at many requests takes time in which none is answered: no more than a part of it is taken so.
const CHEAP: Duration = Duration::from_millis(1);

pub(super) type AnsweringBy = Arc<dyn Fn(&Received, usize) -> Answering + Send + Sync>;

pub(super) struct Shared {
    keeps_all: bool,
    state: Mutex<State>,
    /// Signalled when a request came or was answered.
    happened: Condvar,
    /// Signalled when the receiver was told something.
    told: Condvar,
}

pub(super) struct State {
    pub(super) requests: Vec<Received>,
    pub(super) accepted: usize,
    /// How many requests were forgotten: the number of the first that is kept.
    forgotten: usize,
    /// How often each `webhook-id` came.
    tries: HashMap<String, usize>,
    answering: AnsweringBy,
    /// How often something was told.
    tellings: u64,
    is_up: bool,
    connections: u64,
    /// Every open connection, by its number.
    open: HashMap<u64, TcpStream>,
}

/// What there is to do after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// The receiver was told something else.
    Told,
    /// The time has passed.
    Passed,
    /// The connection was closed, by either side.
    Closed,
}

/// A connection among the open ones, as long as this lives.
pub(super) struct Open {
    pub(super) number: u64,
    shared: Arc<Shared>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.state().open.remove(&self.number);
    }
}

impl Shared {
    pub(super) fn keeping_all() -> Self {
        let state = State {
            requests: Vec::new(),
            accepted: 0,
            forgotten: 0,
            tries: HashMap::new(),
            answering: Arc::new(|_, _| Answering::Status(200)),
            tellings: 0,
            is_up: false,
            connections: 0,
            open: HashMap::new(),
        };
        Self { keeps_all: true, state: Mutex::new(state), happened: Condvar::new(), told: Condvar::new() }
    }

    pub(super) fn keeping_ids() -> Self {
        Self { keeps_all: false, ..Self::keeping_all() }
    }

    /// Nothing is half done when a condition of a test panics with this in hand.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answer_by(&self, answering: AnsweringBy) {
        let mut state = self.state();
        state.answering = answering;
        state.tellings += 1;
        self.told.notify_all();
    }

    pub(super) fn open(&self) {
        self.state().is_up = true;
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_up = false;
        for (_, stream) in state.open.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.told.notify_all();
    }

    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.forgotten += state.requests.len();
        state.accepted = 0;
        state.requests.clear();
    }

    /// Enters a new connection among the open ones; `None` when the receiver is down.
    pub(super) fn enter(self: &Arc<Self>, stream: TcpStream) -> Option<Open> {
        let mut state = self.state();
        if !state.is_up {
            return None;
        }
        state.connections += 1;
        let number = state.connections;
        state.open.insert(number, stream);
        Some(Open { number, shared: Arc::clone(self) })
    }

    /// Keeps a request, and says which number it has and which one of the same id it is.
    pub(super) fn record(&self, received: &mut Received) -> (usize, usize) {
        let mut kept = if self.keeps_all { received.clone() } else { id_of(received) };
        let mut state = self.state();
        let tries = state.tries.entry(received.id().to_owned()).or_default();
        *tries += 1;
        let tries = *tries;
        // Under the lock, so that the times are in the order of the requests.
        received.at = Instant::now();
        kept.at = received.at;
        state.requests.push(kept);
        let number = state.forgotten + state.requests.len() - 1;
        self.happened.notify_all();
        (number, tries)
    }

    /// Sets, or takes back, what a request was answered.
    pub(super) fn answered(&self, number: usize, status: Option<u16>) {
        let mut state = self.state();
        let Some(index) = number.checked_sub(state.forgotten) else { return };
        let before = state.requests[index].is_accepted();
        state.requests[index].status = status;
        match (before, state.requests[index].is_accepted()) {
            (false, true) => state.accepted += 1,
            (true, false) => state.accepted -= 1,
            _ => {}
        }
        self.happened.notify_all();
    }

    /// How to answer now, and until which telling.
    pub(super) fn answering(&self) -> (AnsweringBy, u64) {
        let state = self.state();
        (Arc::clone(&state.answering), state.tellings)
    }

    /// Waits while a connection is open on both sides and nothing else was told, at most for a time.
    pub(super) fn wait(&self, open: &Open, stream: &TcpStream, telling: u64, bound: Duration) -> Waited {
        let deadline = Instant::now().checked_add(bound);
        let mut state = self.state();
        loop {
            if !state.open.contains_key(&open.number) || is_closed(stream) {
                return Waited::Closed;
            }
            if state.tellings != telling {
                return Waited::Told;
            }
            let left = deadline.map_or(GLANCE, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Waited::Passed;
            }
            state = self.told.wait_timeout(state, left.min(GLANCE)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until something holds of the state; `false` when it does not within the bound.
    pub(super) fn until(&self, bound: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + bound;
        let mut state = self.state();
        loop {
            let began = Instant::now();
            if holds(&state) {
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            state = self.happened.wait_timeout(state, deadline - now).unwrap_or_else(PoisonError::into_inner).0;
            let cost = now - began;
            if cost > CHEAP {
                drop(state);
                thread::sleep(cost * 4);
                state = self.state();
            }
        }
    }
}

/// Whether the other side has closed its end.
pub(super) fn is_closed(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let closed = match stream.peek(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).is_err() || closed
}

/// A request, without all but its id.
fn id_of(received: &Received) -> Received {
    let id = received.headers.iter().find(|(name, _)| name == "webhook-id");
    Received {
        method: String::new(),
        path: String::new(),
        headers: id.cloned().into_iter().collect(),
        body: String::new(),
        ..*received
    }
}
