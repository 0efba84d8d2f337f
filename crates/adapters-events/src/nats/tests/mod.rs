//! Publishing, to a real server and to one that plays faults.

mod access;
mod faults;
mod publishing;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};
use ports::{EventBroker, OutgoingEvent};
use rustls::RootCertStore;
use serde_json::Value;
use tempfile::TempDir;

use super::{LIMIT, NatsBroker, NatsSettings, check_nats_url};
use crate::testing::{event, tool};

/// A nats-server with a store of its own, which outlives it.
struct Server {
    store: TempDir,
    settings: String,
    port: u16,
    process: Child,
}

impl Server {
    /// A server with JetStream.
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// One with JetStream and further settings.
    async fn start_with(settings: &str) -> Self {
        let store = tempfile::tempdir().unwrap();
        let settings = format!("jetstream {{ store_dir: {:?} }}\n{settings}", store.path());
        Self::start_in(store, settings).await
    }

    /// One in a directory, with these settings alone.
    async fn start_in(store: TempDir, settings: String) -> Self {
        let (process, port) = launch(store.path(), &settings, "-1").await;
        Self { store, settings, port, process }
    }

    /// Ends it without warning.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was.
    async fn restart(&mut self) {
        let (process, _) = launch(self.store.path(), &self.settings, &self.port.to_string()).await;
        self.process = process;
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn broker(&self) -> NatsBroker {
        broker(&self.url())
    }

    /// Another client's view.
    async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.url()).await.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Starts a server and waits until it says where it listens.
async fn launch(directory: &Path, settings: &str, port: &str) -> (Child, u16) {
    let config = directory.join("server.conf");
    let head = format!("listen: \"127.0.0.1:{port}\"\nports_file_dir: {directory:?}\n");
    std::fs::write(&config, head + settings).unwrap();
    let mut command = Command::new(tool("TEST_NATS_SERVER"));
    let log = std::fs::File::create(directory.join("server.log")).unwrap();
    let mut process = command.arg("-c").arg(&config).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let ports = directory.join(format!("nats-server_{}.ports", process.id()));
    let begun = Instant::now();
    loop {
        let told = std::fs::read(&ports).ok().and_then(|told| serde_json::from_slice::<Value>(&told).ok());
        if let Some(url) = told.as_ref().and_then(|told| told["nats"][0].as_str()) {
            let port = url.rsplit_once(':').unwrap().1.parse().unwrap();
            return (process, port);
        }
        if process.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20) {
            process.kill().ok();
            panic!("nats-server does not start: {}", std::fs::read_to_string(directory.join("server.log")).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn settings(url: &str) -> NatsSettings {
    NatsSettings {
        url: check_nats_url(url).unwrap(),
        credentials: None,
        source: "https://customers.example".to_owned(),
    }
}

fn broker(url: &str) -> NatsBroker {
    NatsBroker::with(settings(url), RootCertStore::empty(), LIMIT).unwrap()
}

/// A broker that waits for no more than a fraction of a second.
fn impatient(url: &str) -> NatsBroker {
    NatsBroker::with(settings(url), RootCertStore::empty(), Duration::from_millis(300)).unwrap()
}

async fn publish_one(broker: &NatsBroker, event: OutgoingEvent) -> Result<(), String> {
    let [outcome] = broker.publish(vec![event]).await.try_into().unwrap();
    outcome
}
