//! A connection that bounds what a client can make the service wait for and hold.
//!
//! The HTTP library bounds the wait for the first request of a connection and for the beginning of a later one. A client who
//! sends a later one byte by byte, or reads no answer, would be waited for without end. And of requests that come before the
//! answer to the first, it takes apart as many as have come, into some forty times their size.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the headers of a request may take to come.
pub(crate) const HEADERS_TIME: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer: longer than a live stream waits for one, which then says so in the log.
const STALL_TIME: Duration = Duration::from_secs(30);
/// How many bytes are read before the HTTP library takes them apart, and how many more while a request is answered: enough to
/// notice that the client is gone.
const PIECE: usize = 2 * 1024;

/// What is done about the requests of a connection, told by whoever does it.
#[derive(Clone, Default)]
pub(crate) struct Requests(Rc<Counts>);

#[derive(Default)]
struct Counts {
    answered: Cell<usize>,
    bodies_read: Cell<usize>,
    /// The connection, when it waits until it may read.
    reader: Cell<Option<Waker>>,
}

impl Requests {
    /// One is being answered, until what is returned is dropped.
    pub(crate) fn answer(&self) -> Doing {
        Doing::begin(&self.0, |counts| &counts.answered)
    }

    /// The body of one is being read, until what is returned is dropped.
    pub(crate) fn read_body(&self) -> Doing {
        Doing::begin(&self.0, |counts| &counts.bodies_read)
    }
}

impl Counts {
    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Something that is being done.
pub(crate) struct Doing {
    counts: Rc<Counts>,
    count: fn(&Counts) -> &Cell<usize>,
}

impl Doing {
    fn begin(counts: &Rc<Counts>, count: fn(&Counts) -> &Cell<usize>) -> Self {
        count(counts).set(count(counts).get() + 1);
        counts.wake_reader();
        Self { counts: counts.clone(), count }
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        let count = (self.count)(&self.counts);
        count.set(count.get() - 1);
        self.counts.wake_reader();
    }
}

pub(crate) struct Connection<S> {
    stream: S,
    requests: Requests,
    /// Bytes that were read since the HTTP library last took some apart.
    piece: usize,
    /// Bytes that were read while a request was answered whose body nobody read.
    ahead: usize,
    /// Runs from the first byte on by which no request has begun yet.
    headers: Option<Pin<Box<Sleep>>>,
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, requests: Requests::default(), piece: 0, ahead: 0, headers: None, stall: None }
    }

    /// Lets those who answer requests tell of it.
    pub(crate) fn note(&self, data: &mut Extensions) {
        data.insert(self.requests.clone());
    }

    /// What was written, or how long the client has taken nothing.
    fn written<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            (self.headers, self.stall) = (None, None);
            self.requests.0.wake_reader();
            return outcome;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (is_answered, is_body) = (self.requests.0.answered.get() > 0, self.requests.0.bodies_read.get() > 0);
        if !is_answered || is_body {
            self.ahead = 0;
        }
        if self.ahead >= PIECE || self.stall.is_some() {
            self.requests.0.reader.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        if self.piece >= PIECE {
            self.piece = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = [0; PIECE];
        let mut bytes = ReadBuf::new(&mut bytes[..PIECE.min(into.remaining())]);
        let outcome = Pin::new(&mut self.stream).poll_read(context, &mut bytes);
        let bytes = bytes.filled();
        into.put_slice(bytes);
        self.piece = if outcome.is_pending() { 0 } else { self.piece + bytes.len() };
        if is_answered {
            // Whoever answers the request bounds what is left of it.
            self.headers = None;
            self.ahead += if is_body { 0 } else { bytes.len() };
            return outcome;
        }
        if !bytes.is_empty() {
            self.headers.get_or_insert_with(|| Box::pin(sleep(HEADERS_TIME)));
        }
        if outcome.is_pending()
            && let Some(headers) = &mut self.headers
        {
            ready!(headers.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, timeout};

    const LONG: Duration = Duration::from_hours(1);

    /// Sends a byte a second; reads until the connection gives up.
    async fn read_dribble(
        mut client: tokio::io::DuplexStream,
        mut connection: Connection<tokio::io::DuplexStream>,
    ) -> io::Result<()> {
        let dribble = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                if client.write_all(b"x").await.is_err() {
                    return;
                }
            }
        };
        let read = async {
            loop {
                connection.read_u8().await?;
            }
        };
        tokio::select! {
            outcome = timeout(LONG, read) => outcome.unwrap_or(Ok(())),
            () = dribble => Ok(()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_come_byte_by_byte_are_waited_for_ten_seconds() {
        let (client, service) = duplex(64);
        let begun = Instant::now();
        let given_up = read_dribble(client, Connection::new(service)).await.unwrap_err();
        assert_eq!(
            (given_up.kind(), begun.elapsed().as_secs()),
            (io::ErrorKind::TimedOut, 11),
            "from the first byte on"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_a_request_is_answered_is_whoever_answers_its_business() {
        let (client, service) = duplex(64);
        let connection = Connection::new(service);
        let (_request, _body) = (connection.requests.answer(), connection.requests.read_body());
        assert!(read_dribble(client, connection).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_who_says_nothing_is_left_to_the_http_library() {
        let (_client, service) = duplex(64);
        assert!(timeout(LONG, Connection::new(service).read_u8()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_answer_the_next_request_has_its_own_time() {
        let (mut client, service) = duplex(64);
        let mut connection = Connection::new(service);
        for _ in 0..3 {
            client.write_all(b"GET").await.unwrap();
            connection.read_exact(&mut [0; 3]).await.unwrap();
            assert!(timeout(Duration::from_secs(8), connection.read_u8()).await.is_err(), "it may take so long");
            connection.write_all(b"200").await.unwrap();
            client.read_exact(&mut [0; 3]).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_who_takes_nothing_is_given_up_and_one_who_takes_a_little_is_not() {
        let (_client, service) = duplex(64);
        let mut connection = Connection::new(service);
        let begun = Instant::now();
        let given_up = connection.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!((given_up.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, STALL_TIME));

        let (mut client, service) = duplex(64);
        let mut connection = Connection::new(service);
        let slow = async {
            while timeout(LONG, client.read_u8()).await.is_ok_and(|read| read.is_ok()) {
                sleep(Duration::from_secs(5)).await;
            }
        };
        tokio::select! {
            written = connection.write_all(&[0; 200]) => written.unwrap(),
            () = slow => panic!("all is taken in the end"),
        }
    }

    /// Reads as long as there is something to read.
    async fn read_all(connection: &mut Connection<tokio::io::DuplexStream>) -> usize {
        let mut count = 0;
        let mut bytes = [0; 8 * 1024];
        while let Ok(Ok(read)) = timeout(Duration::from_secs(1), connection.read(&mut bytes)).await {
            count += read;
        }
        count
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_before_the_answer_is_left_unread_and_a_body_is_not() {
        let (mut client, service) = duplex(100_000);
        let mut connection = Connection::new(service);
        client.write_all(&vec![b'x'; 60_000]).await.unwrap();
        let request = connection.requests.answer();
        let ahead = read_all(&mut connection).await;
        assert!((1..=2 * PIECE).contains(&ahead), "{ahead}");
        let body = connection.requests.read_body();
        assert_eq!(read_all(&mut connection).await, 60_000 - ahead);
        drop(body);
        client.write_all(&vec![b'x'; 60_000]).await.unwrap();
        let ahead = read_all(&mut connection).await;
        assert!((1..=2 * PIECE).contains(&ahead), "{ahead}");
        drop(request);
        assert_eq!(read_all(&mut connection).await, 60_000 - ahead);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_client_who_takes_no_answer_nothing_is_read() {
        let (mut client, service) = duplex(1_000);
        let mut connection = Connection::new(service);
        assert!(timeout(Duration::from_secs(1), connection.write_all(&[0; 2_000])).await.is_err());
        client.write_all(b"x").await.unwrap();
        assert_eq!(read_all(&mut connection).await, 0);
        client.read_exact(&mut [0; 1_000]).await.unwrap();
        connection.write_all(b"x").await.unwrap();
        assert_eq!(read_all(&mut connection).await, 1);
    }

    #[tokio::test]
    async fn what_was_read_is_taken_apart_before_more_is() {
        let (mut client, service) = duplex(100_000);
        let mut connection = Connection::new(service);
        client.write_all(&vec![b'x'; 60_000]).await.unwrap();
        let mut bytes = vec![0; 60_000];
        let mut into = ReadBuf::new(&mut bytes);
        let mut context = Context::from_waker(Waker::noop());
        while Pin::new(&mut connection).poll_read(&mut context, &mut into).is_ready() {}
        assert_eq!(into.filled().len(), PIECE);
    }
}
