//! `GET /v1/events`: every event, oldest first, page by page, or one by its id.

use serde_json::{Value, json};
use test_support::DatabaseKind;

use crate::world::{World, next_page, path_of, token_of};

crate::on_both_databases!(
    the_event_of_a_creation_carries_what_a_chat_needs,
    the_event_of_a_confirmation_carries_no_expiry,
    pages_follow_one_another_without_gap_or_repeat,
    the_events_of_one_customer_can_be_read_alone,
    one_event_is_read_by_its_id,
);

fn the_event_of_a_creation_carries_what_a_chat_needs(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let [event] = &world.events()[..] else { panic!("one event") };
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    assert_eq!(event["type"], "verification");
    assert_eq!(event["timestamp"], customer["created_at"]);
    let data = event["data"].as_object().unwrap();
    let members: Vec<&str> = data.keys().map(String::as_str).collect();
    assert_eq!(members, ["status", "reason", "sequence", "customer", "confirmation_token", "expires_at"]);
    assert_eq!(
        (&data["status"], &data["reason"], &data["sequence"]),
        (&json!("pending"), &json!("created"), &json!(1))
    );
    assert_eq!(data["customer"], customer);
    assert_eq!(data["confirmation_token"], customer["confirmation_token"]);
    assert!(data["expires_at"].as_str() > customer["created_at"].as_str());
}

fn the_event_of_a_confirmation_carries_no_expiry(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let body = json!({"confirmation_token": token_of(&customer)});
    let confirmed = world.http.post(&format!("{}/confirm", path_of(&customer)), &body).json();
    let events = world.events();
    let data = &events[1]["data"];
    let expected = json!({"status": "confirmed", "reason": "confirmed", "sequence": 2, "customer": confirmed});
    assert_eq!(data, &expected);
    assert_eq!(events[1]["timestamp"], confirmed["confirmed_at"]);
}

fn pages_follow_one_another_without_gap_or_repeat(kind: DatabaseKind) {
    let world = World::start(kind);
    let created: Vec<Value> = (0..25).map(|_| world.create()["id"].clone()).collect();
    let first = world.http.get("/v1/events");
    assert_eq!(first.json().as_array().unwrap().len(), 20, "the default limit");
    let mut seen = Vec::new();
    let mut path = Some("/v1/events?limit=10".to_owned());
    let mut pages = 0;
    while let Some(current) = path {
        let answer = world.http.get(&current);
        seen.extend(answer.json().as_array().unwrap().iter().map(|event| event["data"]["customer"]["id"].clone()));
        path = next_page(&answer);
        pages += 1;
    }
    assert_eq!((seen, pages), (created, 3));
}

fn the_events_of_one_customer_can_be_read_alone(kind: DatabaseKind) {
    let world = World::start(kind);
    let (one, _other) = (world.create(), world.create());
    assert_eq!(world.http.send("POST", &format!("{}/generate_confirmation", path_of(&one)), &[], "").status, 201);
    let path = format!("/v1/events?limit=1&customer_id={}", one["id"].as_str().unwrap());
    let first = world.http.get(&path);
    let second = world.http.get(&next_page(&first).unwrap());
    assert_eq!(next_page(&second), None);
    let sequence = |page: Value| page[0]["data"]["sequence"].clone();
    assert_eq!((sequence(first.json()), sequence(second.json())), (json!(1), json!(2)));
    let stranger = world.http.get("/v1/events?customer_id=fffd7e80-1691-41f5-8946-9deeaf0b8640");
    assert_eq!((stranger.status, stranger.json()), (200, json!([])));
}

fn one_event_is_read_by_its_id(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let event = world.events().remove(0);
    let path = format!("/v1/events/{}", event["id"].as_str().unwrap());
    let answer = world.http.get(&path);
    assert_eq!((answer.status, answer.json()), (200, event), "as it stands in the list");

    let seen_by_a_reader = world.client_with_scope("read").get(&path);
    assert_eq!(seen_by_a_reader.status, 200);
    assert!(!seen_by_a_reader.text.contains(token_of(&customer)), "{}", seen_by_a_reader.text);
    for unknown in ["/v1/events/evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e", "/v1/events/7"] {
        let answer = world.http.get(unknown);
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("event_not_found")), "{unknown}");
    }
}
