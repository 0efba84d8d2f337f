//! Events on NATS JetStream.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{DatabaseKind, NatsServer, StreamMessage};

use super::{SOON, TAKEOVER, confirm, regenerate};
use crate::world::{World, path_of, until};

crate::on_both_databases!(
    events_are_published_as_cloud_events,
    a_broker_that_is_killed_in_the_middle_gets_all_in_order_and_each_once,
    a_service_that_is_killed_in_the_middle_publishes_all_in_order_and_each_once,
);

const STREAM: &str = "CUSTOMERS";

/// What the stream holds, once it holds as many messages.
fn messages(nats: &NatsServer, count: usize, bound: Duration) -> Vec<StreamMessage> {
    until(&format!("{count} messages"), bound, || {
        let held = nats.stream_info(STREAM)?["state"]["messages"].as_u64()?;
        (held >= u64::try_from(count).unwrap()).then(|| nats.stream_messages(STREAM))
    })
}

/// That each event is there once, and each customer's in their order without a gap.
fn assert_complete(world: &World, messages: &[StreamMessage]) {
    let events: BTreeSet<String> =
        world.events().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    let ids: Vec<String> = messages.iter().map(|one| one.json()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), events, "none is lost, none is invented");
    assert_eq!(ids.len(), events.len(), "none is there twice");
    let mut sequences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in messages {
        let event = one.json();
        let customer = event["subject"].as_str().unwrap().to_owned();
        sequences.entry(customer).or_default().push(event["data"]["data"]["sequence"].as_i64().unwrap());
    }
    for (customer, sequences) in sequences {
        let expected: Vec<i64> = (1..).take(sequences.len()).collect();
        assert_eq!(sequences, expected, "of {customer}");
    }
}

fn events_are_published_as_cloud_events(kind: DatabaseKind) {
    let nats = NatsServer::with_password("customers", "s3cretOfNats");
    let world = World::with(kind, &[("CUSTOMERS_NATS_URL", &nats.url()), ("CUSTOMERS_LOG", "debug")]);
    let customer = world.create();
    let [message] = &messages(&nats, 1, SOON)[..] else { panic!("one message") };
    let event = world.events().remove(0);
    assert_eq!(message.subject, format!("customers.{}.verification", customer["id"].as_str().unwrap()));
    assert_eq!(message.header("Nats-Msg-Id"), event["id"].as_str());
    let envelope = message.json();
    assert_eq!((&envelope["specversion"], &envelope["type"]), (&json!("1.0"), &json!("verification")));
    assert_eq!((&envelope["id"], &envelope["time"]), (&event["id"], &event["timestamp"]));
    assert_eq!((&envelope["subject"], &envelope["data"]), (&customer["id"], &event));
    let sent = until("the token is marked as sent", SOON, || {
        Some(world.http.get(&path_of(&customer)).json()).filter(|one| !one["confirmation_sent_at"].is_null())
    });
    assert_eq!(sent["updated_at"], customer["updated_at"]);
    assert!(!world.service.logs().contains("s3cretOfNats"));
}

fn a_broker_that_is_killed_in_the_middle_gets_all_in_order_and_each_once(kind: DatabaseKind) {
    let nats = NatsServer::start();
    let world = World::with(kind, &[("CUSTOMERS_NATS_URL", &nats.url())]);
    let mut customers: Vec<Value> = Vec::new();
    for round in 0..120 {
        customers.push(world.create());
        if round == 40 || round == 80 {
            nats.kill();
        }
        if round == 60 || round == 100 {
            nats.start_again();
        }
        // Nothing else suffers, whether the broker is there or not.
        regenerate(&world, &customers[round / 2]);
    }
    let count = usize::try_from(world.database.count("SELECT id FROM events")).unwrap();
    assert_eq!(count, 240);
    assert_complete(&world, &messages(&nats, count, TAKEOVER));
}

fn a_service_that_is_killed_in_the_middle_publishes_all_in_order_and_each_once(kind: DatabaseKind) {
    let nats = NatsServer::start();
    let mut world = World::with(kind, &[("CUSTOMERS_NATS_URL", &nats.url())]);
    let mut customers: Vec<Value> = (0..60).map(|_| world.create()).collect();
    world.service.kill();
    world.start_again();
    customers.extend((0..20).map(|_| world.create()));
    for customer in &customers {
        confirm(&world, customer);
    }
    assert_complete(&world, &messages(&nats, 160, TAKEOVER));
}
