//! A reader of Server-Sent Events.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::{Answer, Http};
use crate::http_wire::{Body, Head};

/// How long a service may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// An open stream of events. It reads only while it is asked for the next, so that a test which does not ask is a slow
/// client. Dropped, it closes the connection.
#[derive(Debug)]
pub struct EventStream {
    connection: Connection,
    /// What was decoded and is not yet a whole line.
    said: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    last_id: Option<String>,
    heartbeats: usize,
}

/// An event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// Its `id`.
    pub id: Option<String>,
    /// Its `event`, the name of its type.
    pub event: Option<String>,
    /// Its `data`, the lines of which are joined.
    pub data: String,
}

impl SseEvent {
    /// The data as JSON; panics when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl EventStream {
    /// Asks a service for a stream, with the client's key, on a connection of its own.
    ///
    /// # Errors
    ///
    /// The whole answer, when its status is not 200.
    pub fn open(http: &Http, path: &str, headers: &[(&str, &str)]) -> Result<Self, Box<Answer>> {
        Self::ask(http, path, headers).unwrap_or_else(|error| panic!("GET {path} was not answered: {error:?}"))
    }

    fn ask(http: &Http, path: &str, headers: &[(&str, &str)]) -> io::Result<Result<Self, Box<Answer>>> {
        let url = Url::parse(&format!("{}{path}", http.origin())).map_err(io::Error::other)?;
        let addresses = url.socket_addrs(|| None)?;
        let mut stream = TcpStream::connect(addresses.as_slice())?;
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\n", addresses[0]);
        let bearer = http.key().map(|key| ("authorization", format!("Bearer {key}")));
        let bearer = bearer.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in headers.iter().copied().chain(bearer) {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes())?;

        let (mut read, deadline) = (Vec::new(), Instant::now() + ANSWER);
        let head = loop {
            if let Some(head) = Head::take(&mut read) {
                break head;
            }
            if !read_on(&mut stream, &mut read, deadline)? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        };
        let status = head.first.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("`{}` begins no answer", head.first)))?;
        let body = Body::of_answer(&head);
        let mut connection = Connection { stream, read, head, body, ended: false };
        if status == 200 {
            let event = SseEvent::default();
            return Ok(Ok(Self { connection, said: Vec::new(), event, has_data: false, last_id: None, heartbeats: 0 }));
        }
        let mut said = Vec::new();
        while !connection.ended {
            connection.read_into(&mut said, deadline)?;
        }
        let text = String::from_utf8_lossy(&said).into_owned();
        Ok(Err(Box::new(Answer { status, headers: header_map(&connection.head), text })))
    }

    /// A header of the answer by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.connection.head.header(name)
    }

    /// The next event; `None` when none came within the bound, or the stream has ended.
    pub fn next(&mut self, bound: Duration) -> Option<SseEvent> {
        let deadline = Instant::now() + bound;
        loop {
            while let Some(line) = self.line() {
                if let Some(event) = self.understand(&line) {
                    return Some(event);
                }
            }
            if self.connection.ended {
                return None;
            }
            match self.connection.read_into(&mut self.said, deadline) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::TimedOut => return None,
                // Cut off: an end like any other.
                Err(_) => self.connection.ended = true,
            }
        }
    }

    /// So many events; panics when they do not all come within the bound.
    pub fn take(&mut self, count: usize, bound: Duration) -> Vec<SseEvent> {
        let deadline = Instant::now() + bound;
        let mut events = Vec::new();
        while events.len() < count {
            let Some(event) = self.next(deadline.saturating_duration_since(Instant::now())) else {
                panic!("{count} events are waited for; ended: {}; these came: {events:#?}", self.ended());
            };
            events.push(event);
        }
        events
    }

    /// The events that still come until the service ends the stream; panics when it does not within the bound.
    pub fn until_ended(&mut self, bound: Duration) -> Vec<SseEvent> {
        let deadline = Instant::now() + bound;
        let mut events = Vec::new();
        while let Some(event) = self.next(deadline.saturating_duration_since(Instant::now())) {
            events.push(event);
        }
        assert!(self.ended(), "the stream has not ended within {bound:?}; {} events came", events.len());
        events
    }

    /// What a client that is cut off now comes back with: the last id that was read, with or without data.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How many comments were read until now: read with [`EventStream::next`], not while nobody asks.
    pub fn heartbeats(&self) -> usize {
        self.heartbeats
    }

    /// Whether the end was read: see [`EventStream::heartbeats`].
    pub fn ended(&self) -> bool {
        self.connection.ended
    }

    /// Whether what was read ended as the service said, not by the end of the connection alone.
    pub fn ended_in_full(&self) -> bool {
        self.connection.ended && self.connection.body.is_complete()
    }

    /// Takes a whole line without its end.
    fn line(&mut self) -> Option<String> {
        let end = self.said.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.said.drain(..=end).collect();
        let line = String::from_utf8(line).unwrap_or_else(|error| panic!("a stream of events is not UTF-8: {error}"));
        Some(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Adds a line to the event that it belongs to, and gives the event when the line ends it.
    fn understand(&mut self, line: &str) -> Option<SseEvent> {
        if line.is_empty() {
            let event = mem::take(&mut self.event);
            self.last_id = event.id.clone().or(self.last_id.take());
            return mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.heartbeats += 1,
            "id" => self.event.id = Some(value.to_owned()),
            "event" => self.event.event = Some(value.to_owned()),
            "data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// What was read and not yet decoded.
    read: Vec<u8>,
    head: Head,
    body: Body,
    ended: bool,
}

impl Connection {
    /// Decodes what there is, after reading some more unless there is enough; fails when nothing comes in time.
    fn read_into(&mut self, said: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
        let before = said.len();
        self.body.take(&mut self.read, said);
        if said.len() == before && !self.body.is_complete() {
            self.ended = !read_on(&mut self.stream, &mut self.read, deadline)?;
        }
        self.ended |= self.body.is_complete();
        Ok(())
    }
}

/// Reads some more; `false` at the end of the connection.
fn read_on(stream: &mut TcpStream, read: &mut Vec<u8>, deadline: Instant) -> io::Result<bool> {
    // A bound of nothing still takes what is there already.
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left))?;
    let mut buffer = [0; 16 * 1024];
    let length = stream.read(&mut buffer).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    })?;
    read.extend(&buffer[..length]);
    Ok(length > 0)
}

fn header_map(head: &Head) -> HeaderMap {
    let headers = head.headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
    });
    headers.collect()
}
