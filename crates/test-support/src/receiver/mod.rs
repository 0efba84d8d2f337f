//! A receiver of webhooks that behaves as it is told.

mod connection;
mod shared;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{http_wire, port};
use shared::Shared;

/// How long the port of a receiver that comes up again may be somebody else's.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many ids a complaint lists.
const LISTED: usize = 50;

/// A real HTTP/1.1 server on a port of its own that takes whatever is sent to it, on any path, and answers 200 until it
/// is told otherwise. Connections are kept alive, each with a thread of its own. Dropped, it closes them all.
///
/// ```
/// use std::time::Duration;
/// use test_support::{Answering, TestReceiver};
///
/// let receiver = TestReceiver::start();
/// receiver.answer_by(|_, tries| Answering::Status(if tries == 1 { 500 } else { 200 }));
/// # test_support::Http::new(&receiver.origin()).send("POST", "/hook", &[("webhook-id", "evt_1")], "{}");
/// # test_support::Http::new(&receiver.origin()).send("POST", "/hook", &[("webhook-id", "evt_1")], "{}");
/// // … something posts to receiver.url() …
/// receiver.until_accepted(1, Duration::from_secs(10));
/// assert_eq!(receiver.requests().len(), 2);
/// ```
pub struct TestReceiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// The thread that holds the listener, while the receiver is up.
    accepting: Mutex<Option<JoinHandle<()>>>,
}

/// A request that a receiver has read to its end.
#[derive(Debug, Clone)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers in their order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// When the body was read to its end.
    pub at: Instant,
    /// The number of the connection that it came on: the same for requests that shared one.
    pub connection: u64,
    /// What it was answered; `None` when it was not: not yet, or never because it hangs, was reset, or its client had
    /// gone before. It is set just before the answer is written.
    pub status: Option<u16>,
}

impl Received {
    /// The first header of this name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http_wire::header(&self.headers, name)
    }

    /// The `webhook-id`, empty when there is none.
    pub fn id(&self) -> &str {
        self.header("webhook-id").unwrap_or_default()
    }

    /// The body as JSON; panics when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("the body is not JSON ({error}): {self:?}"))
    }

    /// Whether it was answered 2xx.
    pub fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub enum Answering {
    /// Answers with this status and no body.
    Status(u16),
    /// Answers with this status, these headers and this body.
    StatusWith {
        /// The status.
        status: u16,
        /// Headers beside `content-length`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Says nothing. When the receiver is told something else, the requests that hang are answered so too, but for
    /// those of which the client has gone meanwhile.
    Hang,
    /// Resets the connection (RST) instead of an answer.
    Reset,
    /// Answers with this status at once, and then with a byte of the body a second, without end until the receiver is
    /// told something else.
    SlowBody {
        /// The status.
        status: u16,
    },
    /// Answers 307 with this `Location`.
    Redirect(String),
    /// Answers with this status and a body of so many bytes.
    HugeBody {
        /// The status.
        status: u16,
        /// How long the body is.
        bytes: u64,
    },
}

impl TestReceiver {
    /// A receiver that is up and keeps everything that it gets.
    pub fn start() -> Self {
        Self::with(Shared::keeping_all())
    }

    /// A receiver for measurements: of the headers it keeps `webhook-id` alone, and no bodies. What is given to
    /// [`TestReceiver::answer_by`] sees all.
    pub fn counting() -> Self {
        Self::with(Shared::keeping_ids())
    }

    fn with(shared: Shared) -> Self {
        let listener = port::listen();
        let address = listener.local_addr().expect("a bound port has an address");
        let receiver = Self { address, shared: Arc::new(shared), accepting: Mutex::new(None) };
        receiver.accept_at(listener);
        receiver
    }

    /// `http://127.0.0.1:PORT/hook`, the same while it is down.
    pub fn url(&self) -> String {
        format!("{}/hook", self.origin())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers all further requests so, and those that hang.
    pub fn answer(&self, answering: Answering) {
        self.answer_by(move |_, _| answering.clone());
    }

    /// Answers each further request, and those that hang, as a function says. It is given the request and which one of
    /// the same `webhook-id` it is, from 1. It may block, as a slow receiver does: that holds nobody else up.
    pub fn answer_by(&self, answering: impl Fn(&Received, usize) -> Answering + Send + Sync + 'static) {
        self.shared.answer_by(Arc::new(answering));
    }

    /// All requests until now, in the order in which they were read to their ends.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.state().requests.clone()
    }

    /// The requests that were answered 2xx, in the order in which they came.
    pub fn accepted(&self) -> Vec<Received> {
        self.shared.state().requests.iter().filter(|request| request.is_accepted()).cloned().collect()
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        self.shared.state().requests.len()
    }

    /// How many requests were answered 2xx.
    pub fn accepted_count(&self) -> usize {
        self.shared.state().accepted
    }

    /// Forgets all requests until now, but not how often each `webhook-id` came. Those that hang are forgotten too.
    pub fn forget(&self) {
        self.shared.forget();
    }

    /// Waits until something holds of the requests; panics with what it was when it does not within the bound.
    pub fn until(&self, what: &str, bound: Duration, holds: impl Fn(&[Received]) -> bool) {
        if !self.shared.until(bound, |state| holds(&state.requests)) {
            self.complain(what, bound);
        }
    }

    /// Waits until so many requests came; panics when they do not within the bound.
    pub fn until_count(&self, count: usize, bound: Duration) {
        if !self.shared.until(bound, |state| state.requests.len() >= count) {
            self.complain(&format!("{count} requests"), bound);
        }
    }

    /// Waits until so many requests were answered 2xx; panics when they are not within the bound.
    pub fn until_accepted(&self, count: usize, bound: Duration) {
        if !self.shared.until(bound, |state| state.accepted >= count) {
            self.complain(&format!("{count} accepted requests"), bound);
        }
    }

    fn complain(&self, what: &str, bound: Duration) -> ! {
        let requests = self.requests();
        let list = requests.iter().rev().take(LISTED).rev().map(|request| {
            let status = request.status.map_or("no answer".to_owned(), |status| status.to_string());
            format!("\n  {} {}: {status}", request.path, request.id())
        });
        let (count, list) = (requests.len(), list.collect::<String>());
        panic!("a receiver waited {bound:?} in vain: {what}. It has {count} requests, of which the last are:{list}");
    }

    /// Stops listening, so that connections are refused, and closes those that there are. What hangs never gets an
    /// answer.
    pub fn down(&self) {
        let Some(accepting) = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        self.shared.close();
        // Wakes the thread, which then sees that it has ended. The listener goes with it.
        let _ = TcpStream::connect(self.address);
        let _ = accepting.join();
    }

    /// Listens again, on the same port.
    pub fn up(&self) {
        if self.accepting.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        let listener = loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("the receiver's port {} cannot be listened on again: {error}", self.address),
            }
        };
        self.accept_at(listener);
    }

    fn accept_at(&self, listener: TcpListener) {
        self.shared.open();
        let shared = Arc::clone(&self.shared);
        let accepting = thread::spawn(move || connection::accept(&listener, &shared));
        *self.accepting.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepting);
    }
}

impl Drop for TestReceiver {
    fn drop(&mut self) {
        self.down();
    }
}
