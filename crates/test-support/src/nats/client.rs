//! As much of the NATS protocol as it takes to look at a server from outside, independently of the client under test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    info: Value,
    subscriptions: u64,
    /// Messages that came while another was waited for, with the number of their subscription.
    waiting: Vec<(u64, Message)>,
}

/// A message that was delivered.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) subject: String,
    /// Empty when there is none.
    pub(super) reply: String,
    /// The status in the headers' first line, such as 503 when nobody answers.
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) payload: String,
}

impl Message {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.payload)
            .unwrap_or_else(|error| panic!("NATS has answered something that is not JSON ({error}): {self:?}"))
    }
}

impl Client {
    pub(super) fn connect(address: SocketAddr, credentials: Option<&(String, String)>) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client =
            Self { stream: BufReader::new(stream), info: Value::Null, subscriptions: 0, waiting: Vec::new() };
        let line = client.line()?;
        client.info = line.strip_prefix("INFO ").and_then(|info| serde_json::from_str(info).ok()).unwrap_or_default();
        let mut options = json!({ "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
            "lang": "test", "version": "1", "protocol": 1 });
        if let Some((user, password)) = credentials {
            options["user"] = json!(user);
            options["pass"] = json!(password);
        }
        client.send(&format!("CONNECT {options}\r\nPING\r\n"))?;
        loop {
            match client.line()?.as_str() {
                "PONG" => return Ok(client),
                line if line.starts_with("-ERR") => return Err(io::Error::other(line.to_owned())),
                _ => {}
            }
        }
    }

    pub(super) fn server_name(&self) -> &str {
        self.info["server_name"].as_str().unwrap_or_default()
    }

    /// Subscribes to an inbox of its own, and gives the subscription's number and the inbox.
    pub(super) fn subscribe(&mut self) -> (u64, String) {
        self.subscriptions += 1;
        let inbox = format!("_INBOX.test.{}.{}", self.info["client_id"], self.subscriptions);
        self.must_send(&format!("SUB {inbox} {}\r\n", self.subscriptions));
        (self.subscriptions, inbox)
    }

    /// Publishes, and waits for the first answer.
    pub(super) fn request(&mut self, subject: &str, headers: &[(&str, &str)], payload: &str) -> Message {
        let (subscription, inbox) = self.subscribe();
        let size = payload.len();
        if headers.is_empty() {
            self.must_send(&format!("PUB {subject} {inbox} {size}\r\n{payload}\r\n"));
        } else {
            let lines = headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]);
            let headers = format!("NATS/1.0\r\n{}\r\n", lines.collect::<String>());
            let (of_headers, all) = (headers.len(), headers.len() + size);
            self.must_send(&format!("HPUB {subject} {inbox} {of_headers} {all}\r\n{headers}{payload}\r\n"));
        }
        self.next(subscription)
    }

    /// The next message of a subscription; panics when none comes.
    pub(super) fn next(&mut self, subscription: u64) -> Message {
        if let Some(index) = self.waiting.iter().position(|(of, _)| *of == subscription) {
            return self.waiting.remove(index).1;
        }
        loop {
            let (of, message) =
                self.message().unwrap_or_else(|error| panic!("NATS has not sent what was waited for: {error}"));
            if of == subscription {
                return message;
            }
            self.waiting.push((of, message));
        }
    }

    fn message(&mut self) -> io::Result<(u64, Message)> {
        loop {
            let line = self.line()?;
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            match *words.as_slice() {
                ["PING"] => self.send("PONG\r\n")?,
                ["-ERR", ..] => return Err(io::Error::other(line)),
                ["MSG", subject, of, size] => return self.content(subject, of, "", "0", size),
                ["MSG", subject, of, reply, size] => return self.content(subject, of, reply, "0", size),
                ["HMSG", subject, of, head, size] => return self.content(subject, of, "", head, size),
                ["HMSG", subject, of, reply, head, size] => return self.content(subject, of, reply, head, size),
                _ => {}
            }
        }
    }

    /// Reads what follows the line of a message: headers and payload, of which the sizes are given.
    fn content(&mut self, subject: &str, of: &str, reply: &str, head: &str, all: &str) -> io::Result<(u64, Message)> {
        let number = |word: &str| word.parse::<usize>().map_err(io::Error::other);
        let (head, all) = (number(head)?, number(all)?);
        let mut bytes = vec![0; all + 2];
        self.stream.read_exact(&mut bytes)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (head, payload) = (text(&bytes[..head]), text(&bytes[head..all]));
        let (first, headers) = head.split_once("\r\n").unwrap_or_default();
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let headers = headers.lines().filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let message = Message { subject: subject.to_owned(), reply: reply.to_owned(), status, headers, payload };
        Ok((of.parse().map_err(io::Error::other)?, message))
    }

    /// A line without its end.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(text.as_bytes())
    }

    fn must_send(&mut self, text: &str) {
        self.send(text).unwrap_or_else(|error| panic!("NATS takes nothing more: {error}"));
    }
}
