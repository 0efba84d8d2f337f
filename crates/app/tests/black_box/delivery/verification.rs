//! What arrives is read by libraries of other people: signatures and CloudEvents.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use test_support::{DatabaseKind, Received, TestReceiver};

use super::SOON;
use crate::world::{World, until};

/// Verifies a request with `standardwebhooks` and parses it with `cloudevents`.
const PYTHON: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

request = json.load(sys.stdin)
headers, body = request["headers"], request["body"]
verified = []
for secret in request["secrets"]:
    try:
        Webhook(secret).verify(body, headers)
        verified.append(True)
    except WebhookVerificationError:
        verified.append(False)
event = from_http_event(HTTPMessage(headers=headers, body=body.encode()))
json.dump({
    "verified": verified,
    "id": event.get_id(), "type": event.get_type(), "source": event.get_source(),
    "subject": event.get_subject(), "specversion": event.get_specversion(), "data": event.get_data(),
}, sys.stdout)
"#;

fn read_by_others(request: &Received, secrets: &[&str]) -> Value {
    let Ok(python) = std::env::var("TEST_PYTHON") else {
        panic!("this test needs libraries of other people: run `make test`, or `scripts/with-tools cargo test …`");
    };
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let input = json!({"headers": headers, "body": request.body, "secrets": secrets});
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn other_peoples_libraries_verify_and_read_what_arrives() {
    let world = World::with(DatabaseKind::Sqlite, &[("CUSTOMERS_PUBLIC_URL", "https://customers.example.com")]);
    let receiver = TestReceiver::start();
    let body = json!({"url": receiver.url(), "event_types": ["verification"]});
    let made = world.http.post("/v1/webhook_endpoints", &body).json();
    let secret = made["secret"].as_str().unwrap();
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let customer = world.create();
    receiver.until_accepted(1, SOON);
    let request = &receiver.requests()[0];
    let read = read_by_others(request, &[secret, stranger]);
    assert_eq!(read["verified"], json!([true, false]));
    assert_eq!((&read["id"], &read["type"]), (&json!(request.id()), &json!("verification")));
    assert_eq!((&read["source"], &read["subject"]), (&json!("https://customers.example.com"), &customer["id"]));
    assert_eq!((&read["specversion"], &read["data"]), (&json!("1.0"), &request.json()));

    // During a rotation both secrets verify.
    let path = format!("/v1/webhook_endpoints/{}/rotate_secret", made["id"].as_str().unwrap());
    let rotated = world.http.send("POST", &path, &[], "").json();
    let new = rotated["secret"].as_str().unwrap();
    let request = until("the new secret signs", SOON, || {
        let count = receiver.accepted_count();
        world.create();
        receiver.until_accepted(count + 1, SOON);
        let last = receiver.requests().pop().unwrap();
        last.header("webhook-signature").is_some_and(|signatures| signatures.contains(' ')).then_some(last)
    });
    assert_eq!(read_by_others(&request, &[new, secret, stranger])["verified"], json!([true, true, false]));

    // What is changed on the way does not.
    let mut forged = request.clone();
    forged.body = forged.body.replace("CA", "US");
    assert_eq!(read_by_others(&forged, &[new, secret])["verified"], json!([false, false]));

    let path = format!("/v1/webhook_endpoints/{}/test", made["id"].as_str().unwrap());
    let outcome = world.http.send("POST", &path, &[], "").json();
    let ping = receiver.requests().pop().unwrap();
    let read = read_by_others(&ping, &[new]);
    assert_eq!((&read["verified"], &read["type"], &read["subject"]), (&json!([true]), &json!("ping"), &json!(null)));
    assert_eq!(read["id"], outcome["event_id"]);
}
