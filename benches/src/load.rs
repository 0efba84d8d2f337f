//! Load: requests over connections that are kept, from one thread.
//!
//! In a **closed** loop each connection sends its next request when the last one is answered: that finds the highest
//! throughput. In an **open** loop requests are due at a fixed rate whatever the service does, and a request's latency
//! counts from when it was due: a service that stands still for a second has delayed all that should have been sent in
//! it, and not one request a connection.

use std::cell::RefCell;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// A request that does not get its answer in this time is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// The next request, and which status its answer should have.
pub(crate) trait Requests {
    /// Writes the request into `out`, which is empty, and returns the status that is expected.
    fn next(&mut self, out: &mut Vec<u8>) -> u16;
}

/// How requests are sent.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Connections are made to these in turn.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) connections: usize,
    /// What is sent before anything is counted.
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// So many are due in a second; none, in a closed loop.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// Answers with the status that was expected, per second.
    pub(crate) rate: f64,
    /// All others.
    pub(crate) errors: u64,
    /// Microseconds.
    latencies: Histogram<u64>,
    /// What the first error was.
    pub(crate) first_error: Option<String>,
}

impl Outcome {
    /// The latency that so many percent of the answers did not exceed, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of some seconds")]
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.latencies.value_at_percentile(percent) as f64 / 1_000.0
    }
}

struct Shared<R> {
    requests: R,
    begun: Instant,
    counted_from: Instant,
    ends: Instant,
    sent: u64,
    answered: u64,
    errors: u64,
    first_error: Option<String>,
    latencies: Histogram<u64>,
}

impl<R> Shared<R> {
    fn count(&mut self, due: Instant, done: Result<()>) {
        let now = Instant::now();
        // What was due is counted, however late its answer.
        if due < self.counted_from || due >= self.ends {
            return;
        }
        match done {
            Ok(()) => {
                self.answered += 1;
                let micros = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
                self.latencies.saturating_record(micros);
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    /// When the next request is due.
    #[expect(clippy::cast_precision_loss, reason = "a measurement sends less than 2^52 requests")]
    fn due(&mut self, rate: Option<f64>) -> Instant {
        self.sent += 1;
        match rate {
            None => Instant::now(),
            Some(rate) => self.begun + Duration::from_secs_f64(self.sent as f64 / rate),
        }
    }
}

/// Sends requests as planned.
///
/// # Errors
/// When no connection can be made.
pub(crate) fn run(plan: &Plan, requests: impl Requests + 'static) -> Result<Outcome> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let begun = Instant::now();
    let counted_from = begun + plan.warm_up;
    let shared = Rc::new(RefCell::new(Shared {
        requests,
        begun,
        counted_from,
        ends: counted_from + plan.duration,
        sent: 0,
        answered: 0,
        errors: 0,
        first_error: None,
        latencies: Histogram::new_with_bounds(1, 60_000_000, 3).map_err(Error::other)?,
    }));
    LocalSet::new().block_on(&runtime, async {
        let mut connections = Vec::new();
        for address in plan.addresses.iter().cycle().take(plan.connections) {
            let stream = connect(*address).await?;
            connections.push(tokio::task::spawn_local(converse(stream, *address, plan.rate, shared.clone())));
        }
        for connection in connections {
            connection.await.map_err(Error::other)??;
        }
        Ok::<_, Error>(())
    })?;
    let shared = Rc::into_inner(shared).ok_or_else(|| Error::other("a connection is still there"))?.into_inner();
    #[expect(clippy::cast_precision_loss, reason = "a measurement sends less than 2^52 requests")]
    let rate = shared.answered as f64 / plan.duration.as_secs_f64();
    Ok(Outcome { rate, errors: shared.errors, latencies: shared.latencies, first_error: shared.first_error })
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One connection's requests, until the plan's time is over.
async fn converse<R: Requests>(
    mut stream: TcpStream,
    address: SocketAddr,
    rate: Option<f64>,
    shared: Rc<RefCell<Shared<R>>>,
) -> Result<()> {
    let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(4096));
    loop {
        let due = shared.borrow_mut().due(rate);
        if due >= shared.borrow().ends {
            return Ok(());
        }
        if rate.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        request.clear();
        let expected = shared.borrow_mut().requests.next(&mut request);
        let exchanged = tokio::time::timeout(PATIENCE, exchange(&mut stream, &request, &mut answer)).await;
        let done = match exchanged {
            Err(_) => Err(Error::other("no answer in time")),
            Ok(Ok(status)) if status == expected => Ok(()),
            Ok(Ok(status)) => Err(Error::other(format!("{status}: {}", String::from_utf8_lossy(&answer)))),
            Ok(Err(error)) => Err(error),
        };
        let is_broken = done.is_err();
        shared.borrow_mut().count(due, done);
        if is_broken {
            stream = connect(address).await?;
        }
    }
}

/// Sends a request and reads its whole answer; returns the status.
async fn exchange(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Result<u16> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(Error::other("the connection was closed"));
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = head.parse(answer).map_err(Error::other)? else { continue };
        let body = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let body = body.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
        let (status, whole) = (head.code.unwrap_or_default(), length + body.unwrap_or_default());
        while answer.len() < whole {
            if stream.read_buf(answer).await? == 0 {
                return Err(Error::other("the connection was closed"));
            }
        }
        return Ok(status);
    }
}
