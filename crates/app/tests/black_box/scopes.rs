//! What keys allow: `read` and `write`, revoked and expired.

use std::time::{Duration, Instant};

use serde_json::Value;
use test_support::DatabaseKind;

use crate::world::{World, path_of};

crate::on_both_databases!(
    a_read_key_sees_no_token_and_no_links_and_makes_none,
    a_revoked_key_is_refused_within_a_second_on_every_process,
    an_expired_key_is_refused,
);

fn a_read_key_sees_no_token_and_no_links_and_makes_none(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let reader = world.client_with_scope("read");
    let answer = reader.get(&path_of(&customer));
    assert_eq!(answer.status, 200);
    let mut expected = customer.clone();
    expected["confirmation_token"] = Value::Null;
    assert_eq!(answer.json(), expected);

    let events = reader.get("/v1/events");
    assert!(!events.text.contains(customer["confirmation_token"].as_str().unwrap()), "{}", events.text);
    let data = &events.json()[0]["data"];
    assert_eq!((&data["confirmation_token"], &data["customer"]["confirmation_token"]), (&Value::Null, &Value::Null));
    let mut shown = world.events().remove(0);
    shown["data"]["confirmation_token"] = Value::Null;
    shown["data"]["customer"]["confirmation_token"] = Value::Null;
    assert_eq!(events.json()[0], shown, "nothing else is hidden");
}

fn a_revoked_key_is_refused_within_a_second_on_every_process(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let name = "to-be-revoked";
    let key = world.run(&["keys", "create", "--name", name]).stdout.trim().to_owned();
    let clients = [world.http.with_key(&key), other.client().with_key(&key)];
    let path = path_of(&world.create());
    for client in &clients {
        assert_eq!(client.get(&path).status, 200);
    }
    let list = world.run(&["keys", "list"]).stdout;
    let line = list.lines().find(|line| line.ends_with(name)).unwrap();
    world.run(&["keys", "revoke", line.split_whitespace().next().unwrap()]);
    let revoked = Instant::now();
    for client in &clients {
        loop {
            let sent = revoked.elapsed();
            if client.get(&path).status == 401 {
                break;
            }
            assert!(sent < Duration::from_secs(1), "a revoked key still works");
        }
    }
    let list = world.run(&["keys", "list"]).stdout;
    assert!(list.lines().any(|line| line.ends_with(name) && line.contains("revoked")), "{list}");
}

fn an_expired_key_is_refused(kind: DatabaseKind) {
    let world = World::start(kind);
    let key = world.run(&["keys", "create", "--name", "short", "--expires-in", "1ms"]).stdout;
    // The command has ended since, which took longer than the key's life.
    let answer = world.http.with_key(key.trim()).get("/v1/events");
    assert_eq!(answer.status, 401, "{answer:?}");
}
