//! What the tests of both adapters share: an event, and judges that do not know this code.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::{CustomerId, EventId, TimeDelta, Timestamp};
use ports::OutgoingEvent;
use serde_json::Value;
use uuid::Uuid;

/// 2026-11-25T17:05:00.042Z.
pub(crate) fn noon() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(1_795_626_300_042)
}

/// The `number`th event, of the customer of that number.
pub(crate) fn event(number: u128) -> OutgoingEvent {
    let customer = CustomerId::from(Uuid::from_u128(0xc0_0000 + number));
    let id = EventId::from(Uuid::from_u128(0xe0_0000 + number));
    OutgoingEvent {
        id,
        event_type: "verification".to_owned(),
        customer_id: Some(customer),
        occurred_at: noon(),
        payload: format!(r#"{{"id": "{id}",  "type":"verification","data":{{"name":"Zoë \"Z\"","sequence":1.50}}}}"#),
    }
}

/// A tool of `scripts/with-tools`, by the variable that names it.
pub(crate) fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    let path =
        path.unwrap_or_else(|| panic!("{variable} is not set: run make test, or scripts/with-tools cargo test …"));
    PathBuf::from(path)
}

/// What a script below `tests/python` makes of its input.
pub(crate) fn judged(script: &str, input: &[u8]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let mut python = Command::new(tool("TEST_PYTHON"));
    let mut python = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(input).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge does not accept it");
    serde_json::from_slice(&output.stdout).unwrap()
}
