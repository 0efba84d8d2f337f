//! What the NATS client logs. A process of its own: the log is all of the process's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use adapters_events::{NatsBroker, NatsSettings, check_nats_url};
use domain::Timestamp;
use ports::{EventBroker, OutgoingEvent};
use test_support::NatsServer;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

/// A log that is read here.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

async fn is_published(url: &str) -> bool {
    let source = "https://customers.example.com".to_owned();
    let settings = NatsSettings { url: check_nats_url(url).unwrap(), credentials: None, source };
    let event = OutgoingEvent {
        id: Uuid::from_u128(1).into(),
        event_type: "verification".to_owned(),
        customer_id: Some(Uuid::from_u128(2).into()),
        occurred_at: Timestamp::UNIX_EPOCH,
        payload: "{}".to_owned(),
    };
    NatsBroker::new(settings).unwrap().publish(vec![event]).await[0].is_ok()
}

#[tokio::test]
async fn no_credentials_are_in_the_log_at_any_level() {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let server = NatsServer::with_password("me", "hunter2");
    let url = server.url();
    assert!(is_published(&url).await);
    assert!(!is_published(&url.replace("hunter2", "hunter3")).await);
    server.kill();
    assert!(!is_published(&url).await);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("async_nats"), "it is the client's log that was read: {text}");
    assert!(!text.contains("hunter"), "{text}");
}
