//! A connection that gives up on a client who keeps it waiting.
//!
//! The HTTP library bounds the wait for the first request of a connection and for the beginning of a later one. A client who
//! sends a later one byte by byte, or reads no answer, would be waited for without end.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::dev::Extensions;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the headers of a request may take to come.
pub(crate) const HEADERS_TIME: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer.
const STALL_TIME: Duration = Duration::from_secs(20);

/// How many requests of a connection are being answered.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Rc<Cell<usize>>);

impl UnderWay {
    /// One more, until what is returned is dropped.
    pub(crate) fn begin(&self) -> OneUnderWay {
        self.0.set(self.0.get() + 1);
        OneUnderWay(self.0.clone())
    }
}

/// A request that is being answered.
pub(crate) struct OneUnderWay(Rc<Cell<usize>>);

impl Drop for OneUnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

pub(crate) struct Connection<S> {
    stream: S,
    under_way: UnderWay,
    /// Runs from the first byte on by which no request has begun yet.
    headers: Option<Pin<Box<Sleep>>>,
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, under_way: UnderWay::default(), headers: None, stall: None }
    }

    /// Lets the requests of this connection be counted.
    pub(crate) fn note(&self, data: &mut Extensions) {
        data.insert(self.under_way.clone());
    }

    /// What was written, or how long the client has taken nothing.
    fn written<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            (self.headers, self.stall) = (None, None);
            return outcome;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, into);
        if self.under_way.0.get() > 0 {
            // Whoever answers the request bounds what is left of it.
            self.headers = None;
            return outcome;
        }
        if into.filled().len() > before {
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
        let _request = connection.under_way.begin();
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
        let (mut client, service) = duplex(64);
        let mut connection = Connection::new(service);
        let begun = Instant::now();
        let given_up = connection.write_all(&[0; 1_000]).await.unwrap_err();
        assert_eq!((given_up.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, STALL_TIME));

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
}
