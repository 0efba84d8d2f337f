//! A NATS server of a test's own.

mod client;

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::port;
use client::{Client, Message};

/// How long a server may take to be ready.
const START: Duration = Duration::from_secs(30);

/// How often a condition that nobody tells of is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// A real nats-server with JetStream, on a port and with a store of its own, which writes each message to the disk
/// before it acknowledges it. Dropped, it is killed, and its store is removed.
///
/// It needs `TEST_NATS_SERVER`, which `scripts/with-tools` sets.
#[derive(Debug)]
pub struct NatsServer {
    address: SocketAddr,
    /// What the server calls itself, by which another on the same port is told from it.
    name: String,
    credentials: Option<(String, String)>,
    process: Mutex<Option<Child>>,
    directory: TempDir,
}

/// A message that a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamMessage {
    /// The subject that it was published to.
    pub subject: String,
    /// The headers in their order.
    pub headers: Vec<(String, String)>,
    /// What it says.
    pub payload: String,
    /// Its place in the stream.
    pub sequence: u64,
}

impl StreamMessage {
    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The payload as JSON; panics when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl NatsServer {
    /// A server that anybody on this machine may use.
    pub fn start() -> Self {
        Self::with(None)
    }

    /// A server that wants a user and a password, of letters and digits.
    pub fn with_password(user: &str, password: &str) -> Self {
        Self::with(Some((user.to_owned(), password.to_owned())))
    }

    fn with(credentials: Option<(String, String)>) -> Self {
        let directory = TempDir::new().expect("a test needs a temporary directory");
        let name = directory.path().file_name().expect("a temporary directory has a name").to_string_lossy();
        let name = name.trim_start_matches('.').to_owned();
        // Its listener goes at once, and the server takes the port. Another test may draw the same one in between, or
        // have it while it is down: so seldom that the server's complaint in the panic is enough.
        let address = port::listen().local_addr().expect("a bound port has an address");
        let server = Self { address, name, credentials, process: Mutex::new(None), directory };
        server.configure();
        server.start_again();
        server
    }

    /// `nats://127.0.0.1:PORT`, with the user and the password before the host when there are any.
    pub fn url(&self) -> String {
        let credentials = self.credentials.as_ref().map(|(user, password)| format!("{user}:{password}@"));
        format!("nats://{}{}", credentials.unwrap_or_default(), self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as a power cut would (`SIGKILL`).
    pub fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            // Neither fails but for a child that has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port and store, after it was killed, and waits until it is ready.
    pub fn start_again(&self) {
        let mut process = self.process();
        assert!(process.is_none(), "the NATS server runs still: kill it first");
        let Ok(binary) = env::var("TEST_NATS_SERVER") else {
            panic!("this test needs a NATS server: run `make test`, or `scripts/with-tools cargo test …`");
        };
        let log = File::options().create(true).append(true).open(self.directory.path().join("log"));
        let mut command = Command::new(&binary);
        command.arg("--config").arg(self.directory.path().join("config"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a test writes to its own directory"));
        let child = process.insert(command.spawn().unwrap_or_else(|error| panic!("{binary} cannot start: {error}")));
        let deadline = Instant::now() + START;
        while !self.is_ready() {
            let ended = child.try_wait().expect("a child can be waited for").is_some();
            assert!(!ended, "the NATS server has ended:\n{}", self.logs());
            assert!(Instant::now() < deadline, "the NATS server is not ready:\n{}", self.logs());
            thread::sleep(GLANCE);
        }
    }

    /// What it has logged until now.
    pub fn logs(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Publishes a message, and gives the stream's acknowledgement, or the error that came instead, as JSON.
    pub fn publish(&self, subject: &str, headers: &[(&str, &str)], payload: &str) -> Value {
        self.client().request(subject, headers, payload).json()
    }

    /// Asks JetStream, such as `STREAM.CREATE.EVENTS` (without `$JS.API.`), and gives its answer.
    pub fn jetstream(&self, request: &str, parameters: &Value) -> Value {
        self.client().request(&format!("$JS.API.{request}"), &[], &parameters.to_string()).json()
    }

    /// What is said of a stream: its `config` and its `state`; `None` when there is no such.
    pub fn stream_info(&self, stream: &str) -> Option<Value> {
        let info = self.jetstream(&format!("STREAM.INFO.{stream}"), &json!({}));
        if info["error"]["code"] == 404 {
            return None;
        }
        assert!(info["error"].is_null(), "{info}");
        Some(info)
    }

    /// All that a stream holds, in its order; panics when there is no such stream.
    pub fn stream_messages(&self, stream: &str) -> Vec<StreamMessage> {
        let mut client = self.client();
        let (subscription, inbox) = client.subscribe();
        // A consumer of its own, of which the stream's contents know nothing, gets them as they are, at once.
        let config = json!({ "deliver_subject": inbox, "ack_policy": "none", "deliver_policy": "all",
            "mem_storage": true, "inactive_threshold": 5_000_000_000_u64 });
        let request = json!({ "stream_name": stream, "config": config });
        let consumer = client.request(&format!("$JS.API.CONSUMER.CREATE.{stream}"), &[], &request.to_string()).json();
        assert!(consumer["error"].is_null(), "the stream {stream} cannot be read: {consumer}");
        // What there is when the consumer is made: those delivered meanwhile, and those that are still to come.
        let count = |of: &Value| of.as_u64().expect("a consumer counts");
        let count = count(&consumer["num_pending"]) + count(&consumer["delivered"]["consumer_seq"]);
        let messages = (0..count).map(|_| stream_message(client.next(subscription))).collect();
        let name = consumer["name"].as_str().expect("a consumer has a name");
        client.request(&format!("$JS.API.CONSUMER.DELETE.{stream}.{name}"), &[], "");
        messages
    }

    fn client(&self) -> Client {
        Client::connect(self.address, self.credentials.as_ref())
            .unwrap_or_else(|error| panic!("the NATS server at {} cannot be reached: {error}", self.address))
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is this server that answers, and whether its JetStream does.
    fn is_ready(&self) -> bool {
        if TcpStream::connect(self.address).is_err() {
            return false;
        }
        let Ok(mut client) = Client::connect(self.address, self.credentials.as_ref()) else { return false };
        client.server_name() == self.name && client.request("$JS.API.INFO", &[], "").status != Some(503)
    }

    fn configure(&self) {
        let users = self.credentials.as_ref().map(|(user, password)| {
            let user = json!({ "user": user, "password": password });
            format!("authorization {{ users: [{user}] }}\n")
        });
        // Limits of its own, because those that it takes otherwise depend on the machine.
        let config = format!(
            "server_name: {}\nlisten: {:?}\n{}\
             jetstream {{ store_dir: {}, sync_interval: always, max_memory_store: 64MB, max_file_store: 64GB }}\n",
            json!(self.name),
            self.address.to_string(),
            users.unwrap_or_default(),
            json!(self.directory.path().join("store")),
        );
        fs::write(self.directory.path().join("config"), config).expect("a test writes to its own directory");
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A message as a consumer gets it. The subject to acknowledge it at says which one it is:
/// `$JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE.…`, with two more words before the stream's in newer servers.
fn stream_message(message: Message) -> StreamMessage {
    let words: Vec<_> = message.reply.split('.').collect();
    let sequence = words.get(if words.len() > 9 { 7 } else { 5 }).and_then(|word| word.parse().ok());
    let sequence = sequence.unwrap_or_else(|| panic!("a consumer's message says not which it is: {message:?}"));
    StreamMessage { subject: message.subject, headers: message.headers, payload: message.payload, sequence }
}
