//! A NATS server is a test's own, keeps what it has acknowledged, and shows what its streams hold.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use test_support::NatsServer;

fn make_stream(server: &NatsServer) {
    let config = json!({ "name": "EVENTS", "subjects": ["customers.>"], "storage": "file" });
    let made = server.jetstream("STREAM.CREATE.EVENTS", &config);
    assert!(made["error"].is_null(), "{made}");
}

fn publish(server: &NatsServer, id: &str) -> Value {
    server.publish("customers.1.verification", &[("Nats-Msg-Id", id)], &format!(r#"{{"id":"{id}"}}"#))
}

#[test]
fn a_stream_is_shown_as_it_is_and_outlives_a_kill() {
    let server = NatsServer::start();
    assert_eq!(server.url(), format!("nats://{}", server.address()));
    assert_eq!(server.stream_info("EVENTS"), None);
    make_stream(&server);
    assert_eq!(server.stream_messages("EVENTS"), []);
    assert_eq!(publish(&server, "evt_1")["seq"], 1);
    assert_eq!(publish(&server, "evt_1")["duplicate"], true);
    assert_eq!(publish(&server, "evt_2")["seq"], 2);

    server.kill();
    server.start_again();
    assert_eq!(publish(&server, "evt_2")["duplicate"], true);
    assert_eq!(server.publish("customers.2.x", &[], "plain")["seq"], 3);

    let messages = server.stream_messages("EVENTS");
    let ids: Vec<_> = messages.iter().map(|message| message.header("nats-msg-id")).collect();
    assert_eq!(ids, [Some("evt_1"), Some("evt_2"), None]);
    assert_eq!(messages.iter().map(|message| message.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(messages[1].json(), json!({"id": "evt_2"}));
    assert_eq!((messages[2].subject.as_str(), messages[2].payload.as_str()), ("customers.2.x", "plain"));
    let info = server.stream_info("EVENTS").unwrap();
    assert_eq!((&info["state"]["messages"], &info["state"]["consumer_count"]), (&json!(3), &json!(0)));
}

#[test]
fn a_long_stream_is_read_whole_and_without_what_was_removed() {
    let server = NatsServer::start();
    make_stream(&server);
    for number in 0..500 {
        publish(&server, &format!("evt_{number}"));
    }
    assert_eq!(server.jetstream("STREAM.MSG.DELETE.EVENTS", &json!({"seq": 7}))["success"], true);
    let sequences: Vec<_> = server.stream_messages("EVENTS").iter().map(|message| message.sequence).collect();
    assert_eq!(sequences, (1..=500).filter(|sequence| *sequence != 7).collect::<Vec<_>>());
}

#[test]
fn a_password_is_in_the_url_and_needed() {
    let server = NatsServer::with_password("customers", "s3cret");
    assert_eq!(server.url(), format!("nats://customers:s3cret@{}", server.address()));
    make_stream(&server);
    assert_eq!(publish(&server, "evt_1")["stream"], "EVENTS");
    let mut stranger = TcpStream::connect(server.address()).unwrap();
    stranger.write_all(b"CONNECT {}\r\nPING\r\n").unwrap();
    let mut said = String::new();
    stranger.read_to_string(&mut said).unwrap();
    assert!(said.contains("-ERR 'Authorization Violation'"), "{said}");
}
