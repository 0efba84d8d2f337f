//! Webhooks, sent to receivers that play faults.

mod refusals;
mod sending;
mod tls;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ports::{WebhookMessage, WebhookSecret, WebhookSender};
use rustls::RootCertStore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connector::{Lookup, system_lookup};
use super::{Limits, WebhookClient};
use crate::AllowedNetworks;
use crate::testing::{event, noon};

/// What a receiver does with each connection.
#[derive(Debug, Clone)]
enum Play {
    /// Answers every request with these bytes and keeps the connection.
    Answer(Vec<u8>),
    /// Answers one request with these bytes and closes the connection.
    AnswerOnce(Vec<u8>),
    /// Reads a request, writes these bytes, and waits for the client to close the connection.
    Stall(Vec<u8>),
    /// Reads a request and resets the connection.
    Reset,
}

/// A request as it came.
#[derive(Debug)]
struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// A server of one play.
struct Receiver {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Request>,
    /// Tells each time that a connection has ended.
    ended: mpsc::UnboundedReceiver<()>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    async fn start(play: Play) -> Self {
        Self::start_at("127.0.0.1:0", play).await
    }

    async fn start_at(address: &str, play: Play) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let (send_request, requests) = mpsc::unbounded_channel();
        let (send_ended, ended) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (play, requests, ended) = (play.clone(), send_request.clone(), send_ended.clone());
                tokio::spawn(async move {
                    perform(play, stream, requests).await.ok();
                    ended.send(()).ok();
                });
            }
        });
        Self { address, requests, ended, connections, task }
    }

    /// Answers everything with 204.
    async fn accepting() -> Self {
        Self::start(Play::Answer(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await
    }

    fn url(&self) -> String {
        format!("http://{}/events?x=1", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn request(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }
}

async fn perform(play: Play, mut stream: TcpStream, requests: mpsc::UnboundedSender<Request>) -> io::Result<()> {
    loop {
        requests.send(read_request(&mut stream).await?).ok();
        match &play {
            Play::Answer(answer) => stream.write_all(answer).await?,
            Play::AnswerOnce(answer) => return stream.write_all(answer).await,
            Play::Stall(beginning) => {
                stream.write_all(beginning).await?;
                stream.read_u8().await?;
                return Ok(());
            }
            Play::Reset => return stream.set_zero_linger(),
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().lines().map(str::to_owned);
    let line = lines.next().unwrap();
    let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    let headers: BTreeMap<_, _> = lines.map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Ok(Request { line, headers, body: String::from_utf8(body).unwrap() })
}

fn client() -> WebhookClient {
    client_with(AllowedNetworks::loopback(), system_lookup(), Limits::default())
}

fn client_with(networks: AllowedNetworks, lookup: Lookup, limits: Limits) -> WebhookClient {
    WebhookClient::with("https://customers.example".to_owned(), networks, RootCertStore::empty(), lookup, limits)
        .unwrap()
}

fn impatient() -> Limits {
    let short = Duration::from_millis(200);
    Limits { answer: short, connecting: short, body: short }
}

/// Knows every name as these addresses, and counts how often it was asked.
fn lookup_of(answers: &'static [&'static [&'static str]]) -> (Lookup, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let addresses = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Box::pin(std::future::ready(Ok(addresses)))
    });
    (lookup, asked)
}

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::new(vec![byte; 32]).unwrap()
}

fn message(url: impl Into<String>) -> WebhookMessage {
    WebhookMessage { url: url.into(), secrets: vec![secret(1)], event: event(1), repeat: None, now: noon() }
}

/// What a try reports.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
}

fn status(status: u16) -> Outcome {
    Outcome { status: Some(status), answer: None, error: None }
}

fn error(error: &str) -> Outcome {
    Outcome { status: None, answer: None, error: Some(error.to_owned()) }
}

async fn send(client: &WebhookClient, url: impl Into<String>) -> Outcome {
    let tried = client.send(message(url)).await.tried;
    assert_eq!(tried.at, noon());
    Outcome { status: tried.status_code, answer: tried.answer, error: tried.error }
}
