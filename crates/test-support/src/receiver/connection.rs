//! One connection of a receiver: request after request.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::shared::{Open, Shared, Waited, is_closed};
use super::{Answering, Received};
use crate::http_wire::{Body, Head};

/// The length that a body without end claims to have.
const ENDLESS: u64 = 1 << 40;

/// Serves connections until the receiver is down.
pub(super) fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(copy) = stream.try_clone() else { continue };
        let Some(open) = shared.enter(copy) else { return };
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            Connection { open, stream, shared, read: Vec::new() }.serve();
        });
    }
}

struct Connection {
    /// Before the stream: what is reset must have no other copy when it is closed.
    open: Open,
    stream: TcpStream,
    shared: Arc<Shared>,
    /// What was read and not yet understood.
    read: Vec<u8>,
}

impl Connection {
    fn serve(mut self) {
        while let Some((mut received, keep_alive)) = self.next_request() {
            let (number, tries) = self.shared.record(&mut received);
            // An error is the client's end of the connection, which is its right.
            let next = self.answer(&received, number, tries).unwrap_or(ControlFlow::Break(()));
            if next.is_break() || !keep_alive {
                return;
            }
        }
    }

    /// Reads a request to its end, and says whether another may follow.
    fn next_request(&mut self) -> Option<(Received, bool)> {
        let head = loop {
            match Head::take(&mut self.read) {
                Some(head) => break head,
                None => self.read_on()?,
            }
        };
        let (mut body, mut said) = (Body::of_request(&head), Vec::new());
        loop {
            body.take(&mut self.read, &mut said);
            if body.is_complete() {
                break;
            }
            self.read_on()?;
        }
        let mut words = head.first.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let closes = head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let keep_alive = !closes && head.first.ends_with("HTTP/1.1");
        let body = String::from_utf8(said).unwrap_or_else(|no| String::from_utf8_lossy(no.as_bytes()).into_owned());
        let (at, connection) = (Instant::now(), self.open.number);
        Some((Received { method, path, headers: head.headers, body, at, connection, status: None }, keep_alive))
    }

    /// Reads some more; `None` at the end of the connection.
    fn read_on(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        let length = self.stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        self.read.extend(&buffer[..length]);
        Some(())
    }

    /// Answers a request, and says whether the connection goes on.
    fn answer(&self, received: &Received, number: usize, tries: usize) -> io::Result<ControlFlow<()>> {
        loop {
            let (answering, telling) = self.shared.answering();
            let answering = answering(received, tries);
            // What its client no longer waits for was not answered.
            if is_closed(&self.stream) {
                return Ok(ControlFlow::Break(()));
            }
            match answering {
                Answering::Status(status) => self.say(number, status, &[], "")?,
                Answering::StatusWith { status, headers, body } => self.say(number, status, &headers, &body)?,
                Answering::Redirect(to) => self.say(number, 307, &[("location".to_owned(), to)], "")?,
                Answering::HugeBody { status, bytes } => self.say_much(number, status, bytes)?,
                Answering::SlowBody { status } => return self.say_slowly(number, status, telling),
                Answering::Reset => return self.reset(),
                Answering::Hang => match self.shared.wait(&self.open, &self.stream, telling, Duration::MAX) {
                    Waited::Closed => return Ok(ControlFlow::Break(())),
                    Waited::Told | Waited::Passed => continue,
                },
            }
            return Ok(ControlFlow::Continue(()));
        }
    }

    fn say(&self, number: usize, status: u16, headers: &[(String, String)], body: &str) -> io::Result<()> {
        // These have no body, and no length of one.
        let length = (status >= 200 && status != 204 && status != 304).then_some(body.len() as u64);
        self.write_head(number, status, headers, length, body)
    }

    fn say_much(&self, number: usize, status: u16, bytes: u64) -> io::Result<()> {
        self.write_head(number, status, &[], Some(bytes), "")?;
        io::copy(&mut io::repeat(b'.').take(bytes), &mut &self.stream)?;
        Ok(())
    }

    fn say_slowly(&self, number: usize, status: u16, telling: u64) -> io::Result<ControlFlow<()>> {
        self.write_head(number, status, &[], Some(ENDLESS), "")?;
        while self.shared.wait(&self.open, &self.stream, telling, Duration::from_secs(1)) == Waited::Passed {
            (&self.stream).write_all(b".")?;
        }
        Ok(ControlFlow::Break(()))
    }

    fn write_head(
        &self,
        number: usize,
        status: u16,
        headers: &[(String, String)],
        length: Option<u64>,
        body: &str,
    ) -> io::Result<()> {
        let length = length.map(|length| ("content-length".to_owned(), length.to_string()));
        let headers = headers.iter().chain(&length).map(|(name, value)| format!("{name}: {value}\r\n"));
        let text = format!("HTTP/1.1 {status} -\r\n{}\r\n{body}", headers.collect::<String>());
        // Before the client can know, so that a test which waits for the client finds it here.
        self.shared.answered(number, Some(status));
        let written = (&self.stream).write_all(text.as_bytes());
        if written.is_err() {
            self.shared.answered(number, None);
        }
        written
    }

    /// Lets the closing of this connection, which follows, be a reset.
    fn reset(&self) -> io::Result<ControlFlow<()>> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        Ok(ControlFlow::Break(()))
    }
}
