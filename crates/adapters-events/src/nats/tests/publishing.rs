//! What is stored, and how often.

use super::*;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use serde_json::json;

#[tokio::test]
async fn an_event_is_stored_as_a_cloud_event_that_another_implementation_reads() {
    let server = Server::start().await;
    assert_eq!(publish_one(&server.broker(), event(1)).await, Ok(()));

    let stream = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.subject.as_str(), "customers.00000000-0000-0000-0000-000000c00001.verification");
    assert_eq!(message.headers.get("Nats-Msg-Id").unwrap().as_str(), event(1).id.to_string());
    assert_eq!(message.headers.get("content-type").unwrap().as_str(), "application/cloudevents+json");
    let text = std::str::from_utf8(&message.payload).unwrap();
    assert!(text.ends_with(&format!("\"data\":{}}}", event(1).payload)), "byte for byte: {text}");
    let judged = tokio::task::spawn_blocking(move || crate::testing::judged("cloud_event.py", &message.payload));
    let expected = json!({
        "attributes": {
            "specversion": "1.0",
            "id": "evt_00000000000000000000000000e00001",
            "source": "https://customers.example",
            "type": "verification",
            "time": "2026-11-25T17:05:00.042+00:00",
            "subject": "00000000-0000-0000-0000-000000c00001",
            "datacontenttype": "application/json",
        },
        "data": serde_json::from_str::<Value>(&event(1).payload).unwrap(),
    });
    assert_eq!(judged.await.unwrap(), expected);
}

#[tokio::test]
async fn an_event_about_nobody_has_a_subject_without_a_customer() {
    let server = Server::start().await;
    let mut ping = event(1);
    ping.customer_id = None;
    ping.event_type = "ping".to_owned();
    assert_eq!(publish_one(&server.broker(), ping).await, Ok(()));
    let stream = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.subject.as_str(), "customers.ping");
    assert_eq!(serde_json::from_slice::<Value>(&message.payload).unwrap().get("subject"), None);
}

#[tokio::test]
async fn the_stream_is_made_with_the_limits_that_are_documented() {
    let server = Server::start().await;
    assert_eq!(publish_one(&server.broker(), event(1)).await, Ok(()));
    let config = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap().cached_info().config.clone();
    assert_eq!(config.subjects, ["customers.>"]);
    assert_eq!(config.storage, StorageType::File);
    assert_eq!(config.retention, RetentionPolicy::Limits);
    assert_eq!(config.discard, DiscardPolicy::Old);
    assert_eq!(config.max_age, Duration::from_hours(30 * 24));
    assert_eq!(config.duplicate_window, Duration::from_mins(10));
    assert_eq!((config.max_bytes, config.max_messages, config.max_messages_per_subject), (-1, -1, -1));
}

#[tokio::test]
async fn an_event_that_is_published_again_is_stored_once() {
    let server = Server::start().await;
    for _ in 0..2 {
        // Another broker each time, as after a crash.
        let outcomes = server.broker().publish(vec![event(1), event(2), event(1)]).await;
        assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
    }
    let stream = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 2);
}

#[tokio::test]
async fn events_are_stored_in_the_order_in_which_they_are_given() {
    let server = Server::start().await;
    let events: Vec<_> = (0..2500).map(event).collect();
    let outcomes = server.broker().publish(events).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let stream = server.jetstream().await.get_stream("CUSTOMERS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 2500);
    for sequence in [1, 2, 999, 1000, 1001, 2500] {
        let message = stream.get_raw_message(sequence).await.unwrap();
        assert_eq!(
            message.headers.get("Nats-Msg-Id").unwrap().as_str(),
            event(u128::from(sequence) - 1).id.to_string()
        );
    }
}

#[tokio::test]
async fn a_stream_that_exists_is_left_as_it_is() {
    let server = Server::start().await;
    let hour = Duration::from_hours(1);
    let own = Config {
        name: "CUSTOMERS".to_owned(),
        subjects: vec!["customers.>".to_owned()],
        max_age: hour,
        ..Config::default()
    };
    let jetstream = server.jetstream().await;
    jetstream.create_stream(own).await.unwrap();
    assert_eq!(publish_one(&server.broker(), event(1)).await, Ok(()));
    let info = jetstream.get_stream("CUSTOMERS").await.unwrap().cached_info().clone();
    assert_eq!((info.config.max_age, info.state.messages), (hour, 1));
}

#[tokio::test]
async fn a_stream_of_another_name_that_takes_the_subjects_is_used() {
    let server = Server::start().await;
    let jetstream = server.jetstream().await;
    let of_all = Config { name: "ALL".to_owned(), subjects: vec!["customers.>".to_owned()], ..Config::default() };
    jetstream.create_stream(of_all).await.unwrap();
    assert_eq!(publish_one(&server.broker(), event(1)).await, Ok(()));
    assert_eq!(jetstream.get_stream("ALL").await.unwrap().cached_info().state.messages, 1);
    assert!(jetstream.get_stream("CUSTOMERS").await.is_err());
}

#[tokio::test]
async fn a_stream_that_takes_other_subjects_only_is_told() {
    let server = Server::start().await;
    let jetstream = server.jetstream().await;
    let pings = Config { name: "PINGS".to_owned(), subjects: vec!["customers.ping".to_owned()], ..Config::default() };
    jetstream.create_stream(pings).await.unwrap();
    let outcome = publish_one(&server.broker(), event(1)).await;
    assert_eq!(outcome.unwrap_err(), "no stream of NATS takes the subject");
}

#[tokio::test]
async fn a_stream_that_was_deleted_is_made_again() {
    let server = Server::start().await;
    let (broker, jetstream) = (server.broker(), server.jetstream().await);
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
    jetstream.delete_stream("CUSTOMERS").await.unwrap();
    assert_eq!(broker.publish(vec![event(2), event(3)]).await, [Ok(()), Ok(())]);
    assert_eq!(jetstream.get_stream("CUSTOMERS").await.unwrap().cached_info().state.messages, 2);
}

#[tokio::test]
async fn what_cannot_be_stored_is_told_and_the_others_are_stored() {
    let server = Server::start_with("max_payload: 4096").await;
    let mut large = event(1);
    large.payload = format!("\"{}\"", "x".repeat(5000));
    let mut broken = event(2);
    broken.payload = "{".to_owned();
    let outcomes = server.broker().publish(vec![large, broken, event(3)]).await;
    let refused = |why: &str| Err(why.to_owned());
    assert_eq!(outcomes, [refused("the event is larger than NATS takes"), refused("the event is not JSON"), Ok(())]);
}

#[tokio::test]
async fn a_full_stream_says_so_in_the_servers_words() {
    let server = Server::start().await;
    let full = Config {
        name: "CUSTOMERS".to_owned(),
        subjects: vec!["customers.>".to_owned()],
        max_messages: 1,
        discard: DiscardPolicy::New,
        ..Config::default()
    };
    server.jetstream().await.create_stream(full).await.unwrap();
    let outcomes = server.broker().publish(vec![event(1), event(2)]).await;
    assert_eq!(outcomes[0], Ok(()));
    let error = outcomes[1].clone().unwrap_err();
    assert!(error.starts_with("NATS does not store it: ") && error.contains("maximum messages"), "{error}");
}

#[tokio::test]
async fn a_server_without_jetstream_is_told() {
    let server = Server::start_in(tempfile::tempdir().unwrap(), String::new()).await;
    assert_eq!(publish_one(&server.broker(), event(1)).await.unwrap_err(), "NATS has no JetStream");
}

#[tokio::test]
async fn nothing_to_publish_needs_no_server() {
    assert_eq!(broker("nats://127.0.0.1:1").publish(Vec::new()).await, []);
}
