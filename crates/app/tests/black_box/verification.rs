//! `/v1/customers/{customer_id}/verification`: where the proof of a number stands.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind, TestReceiver};

use crate::errors::assert_problem;
use crate::world::{World, is_replayed, number, other_token, path_of, post_once, token_of, until};

crate::on_both_databases!(
    who_waits_for_his_token_is_pending,
    a_token_that_is_too_old_is_expired,
    who_has_no_try_left_is_locked,
    who_has_none_left_for_the_day_is_locked_until_then,
    who_needs_no_token_is_confirmed,
    a_key_that_reads_sees_it_and_no_token,
    an_operator_lifts_a_lock,
    what_is_not_locked_is_not_unlocked,
    the_next_token_can_be_made_at_its_time_and_not_before,
    who_is_not_there_has_none,
);

const SOON: Duration = Duration::from_mins(1);
const MEMBERS: [&str; 6] =
    ["status", "expires_at", "attempts_remaining", "next_generation_at", "sent_at", "locked_until"];

fn document(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    let document = answer.json();
    let members: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, MEMBERS);
    for time in ["expires_at", "next_generation_at", "sent_at", "locked_until"] {
        let is_time = |text: &str| text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.';
        assert!(document[time].is_null() || document[time].as_str().is_some_and(is_time), "{time}: {document}");
    }
    document
}

fn verification(world: &World, customer: &Value) -> Value {
    document(&world.http.get(&format!("{}/verification", path_of(customer))))
}

fn unlock(world: &World, customer: &Value) -> Value {
    document(&world.http.post(&format!("{}/verification/unlock", path_of(customer)), &json!({})))
}

fn generate(world: &World, customer: &Value) -> Answer {
    world.http.post(&format!("{}/generate_confirmation", path_of(customer)), &json!({}))
}

fn wrong(world: &World, customer: &Value) -> Answer {
    let token = world.http.get(&path_of(customer)).json();
    world.confirm_with(customer, &other_token(token_of(&token)))
}

fn who_waits_for_his_token_is_pending(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let event = world.events_of(&customer).remove(0);
    let first = verification(&world, &customer);
    assert_eq!((&first["status"], &first["attempts_remaining"]), (&json!("pending"), &json!(5)));
    assert_eq!(first["expires_at"], event["data"]["expires_at"]);
    assert_eq!((&first["sent_at"], &first["locked_until"]), (&Value::Null, &Value::Null));
    assert!(first["next_generation_at"].is_string());
    assert_eq!(wrong(&world, &customer).json()["attempts_remaining"], 4);
    assert_eq!(verification(&world, &customer)["attempts_remaining"], 4);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    assert_eq!(generate(&world, &customer).status, 201);
    let sent = until("it is sent", SOON, || {
        Some(verification(&world, &customer)).filter(|document| document["sent_at"].is_string())
    });
    assert_eq!(sent["sent_at"], world.http.get(&path_of(&customer)).json()["confirmation_sent_at"]);
    assert_eq!((&sent["status"], &sent["attempts_remaining"]), (&json!("pending"), &json!(5)), "the token is new");
    assert!(sent["expires_at"].as_str() > first["expires_at"].as_str());
    // Of a number that is to take the place of another one, too.
    let confirmed = world.confirmed();
    assert_eq!(world.change_number(&confirmed, &number()).status, 200);
    let changing = verification(&world, &confirmed);
    assert_eq!((&changing["status"], &changing["attempts_remaining"]), (&json!("pending"), &json!(5)));
    assert_eq!(changing["expires_at"], world.events_of(&confirmed).pop().unwrap()["data"]["expires_at"]);
}

fn a_token_that_is_too_old_is_expired(kind: DatabaseKind) {
    let life = [("CUSTOMERS_CONFIRMATION_TTL", "300ms"), ("CUSTOMERS_CONFIRMATION_GRACE", "0s")];
    let world = World::with(kind, &life);
    let customer = world.create();
    let expired = until("it is too old", SOON, || {
        Some(verification(&world, &customer)).filter(|document| document["status"] != "pending")
    });
    assert_eq!((&expired["status"], &expired["attempts_remaining"]), (&json!("expired"), &json!(5)));
    assert_eq!(expired["expires_at"], world.events()[0]["data"]["expires_at"]);
    assert_eq!(expired["locked_until"], Value::Null);
    assert_problem(&world.confirm(&customer), 422, "confirmation_token_expired", "it is too old");
    assert_eq!(unlock(&world, &customer)["status"], "expired");
    assert_eq!(generate(&world, &customer).status, 201);
    let next = verification(&world, &customer);
    assert!(next["expires_at"].as_str() > expired["expires_at"].as_str(), "{next}");
}

fn who_has_no_try_left_is_locked(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    for left in (0..5).rev() {
        assert_eq!(wrong(&world, &customer).json()["attempts_remaining"], left);
    }
    let locked = verification(&world, &customer);
    assert_eq!((&locked["status"], &locked["attempts_remaining"]), (&json!("locked"), &json!(0)));
    assert_eq!(locked["locked_until"], Value::Null, "another token helps at once");
    assert_problem(&world.confirm(&customer), 429, "too_many_attempts", "the token is dead");
    assert_eq!(generate(&world, &customer).status, 201);
    assert_eq!(verification(&world, &customer)["status"], "pending");
}

/// With no try left for the day.
fn locked(world: &World) -> Value {
    let customer = world.create();
    for turn in 0..10 {
        if turn == 5 {
            assert_eq!(generate(world, &customer).status, 201);
        }
        assert_eq!(wrong(world, &customer).status, 422);
    }
    customer
}

fn who_has_none_left_for_the_day_is_locked_until_then(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = locked(&world);
    let document = verification(&world, &customer);
    assert_eq!((&document["status"], &document["attempts_remaining"]), (&json!("locked"), &json!(0)));
    // A day after the first of the ten.
    let (created, until) = (customer["created_at"].as_str().unwrap(), document["locked_until"].as_str().unwrap());
    assert!(until > created && until[..10] > created[..10], "{created} {until}");
    assert_eq!(generate(&world, &customer).status, 201);
    let next = verification(&world, &customer);
    assert_eq!((&next["status"], &next["locked_until"]), (&json!("locked"), &document["locked_until"]));
    let token = world.http.get(&path_of(&customer)).json();
    assert_problem(&world.confirm(&token), 429, "too_many_attempts", "the day is over");
}

fn who_needs_no_token_is_confirmed(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut body = crate::world::new_customer(&number());
    body["confirmation"] = json!(false);
    let trusted = world.http.post("/v1/customers", &body).json();
    for customer in [world.confirmed(), trusted] {
        let expected = json!({
            "status": "confirmed", "expires_at": null, "attempts_remaining": null, "next_generation_at": null,
            "sent_at": null, "locked_until": null,
        });
        assert_eq!(verification(&world, &customer), expected);
        assert_eq!(unlock(&world, &customer), expected);
    }
}

fn a_key_that_reads_sees_it_and_no_token(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let reader = world.client_with_scope("read");
    let path = format!("{}/verification", path_of(&customer));
    let answer = reader.get(&path);
    assert_eq!(document(&answer), verification(&world, &customer));
    assert!(!answer.text.contains(token_of(&customer)), "{}", answer.text);
    let refused = reader.post(&format!("{path}/unlock"), &json!({}));
    assert_problem(&refused, 403, "forbidden", "the key reads");
    assert_problem(&world.service.client().get(&path), 401, "unauthorized", "there is no key");
}

fn an_operator_lifts_a_lock(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = locked(&world);
    let tag = world.http.get(&path_of(&customer)).header("etag").unwrap().to_owned();
    let path = format!("{}/verification/unlock", path_of(&customer));
    let lifted = post_once(&world.http, &path, "u", &json!({}));
    assert_eq!(
        (&document(&lifted)["status"], &document(&lifted)["attempts_remaining"]),
        (&json!("pending"), &json!(5))
    );
    assert_eq!(document(&lifted)["locked_until"], Value::Null);
    assert_eq!(verification(&world, &customer), document(&lifted));
    let told = |logs: &str| {
        let is_it = |line: &&str| line.contains(customer["id"].as_str().unwrap()) && line.contains("tries back");
        logs.lines().filter(is_it).map(str::to_owned).collect::<Vec<_>>()
    };
    world.until_logged("who did it", |logs| !told(logs).is_empty());
    let list = world.run(&["keys", "list"]).stdout;
    let key = list.lines().find(|line| line.ends_with("test")).unwrap().split_whitespace().next().unwrap();
    assert!(told(&world.service.logs())[0].contains(key), "{key}: {}", world.service.logs());

    // The repeat lifts nothing once more.
    for _ in 0..3 {
        assert_eq!(wrong(&world, &customer).status, 422);
    }
    let repeat = post_once(&world.http, &path, "u", &json!({}));
    assert!(is_replayed(&repeat) && repeat.text == lifted.text, "{repeat:?}");
    assert_eq!(verification(&world, &customer)["attempts_remaining"], 2);
    assert_eq!(told(&world.service.logs()).len(), 1, "one lock was lifted");
    assert_eq!(world.http.get(&path_of(&customer)).header("etag"), Some(tag.as_str()), "it is bookkeeping");
    assert_eq!(world.events_of(&customer).len(), 2);
    let token = world.http.get(&path_of(&customer)).json();
    assert_eq!(world.confirm(&token).status, 200);
}

fn what_is_not_locked_is_not_unlocked(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    assert_eq!(wrong(&world, &customer).status, 422);
    assert_eq!(unlock(&world, &customer)["attempts_remaining"], 4, "a lock is lifted, no try is given");
    let path = format!("{}/verification/unlock", path_of(&customer));
    let bare = world.http.send("POST", &path, &[], "");
    assert_eq!(document(&bare), verification(&world, &customer), "it needs no body");
    let refused = world.http.post(&path, &json!({"x": 1}));
    crate::errors::assert_fields(&refused, &[("x", "unknown")]);
    assert!(!world.service.logs().contains("tries back"), "{}", world.service.logs());
    for method in ["PUT", "DELETE", "PATCH"] {
        let path = format!("{}/verification", path_of(&customer));
        assert_problem(&world.http.send(method, &path, &[], ""), 405, "method_not_allowed", method);
    }
}

fn the_next_token_can_be_made_at_its_time_and_not_before(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "2s")]);
    let customer = world.create();
    for _ in 0..2 {
        let at = verification(&world, &customer)["next_generation_at"].as_str().unwrap().to_owned();
        let refused = generate(&world, &customer);
        assert_problem(&refused, 429, "resend_too_soon", "a token was just made");
        let made = until("the next token", SOON, || {
            let answer = generate(&world, &customer);
            (answer.status == 201).then(|| world.events_of(&customer).pop().unwrap())
        });
        let made = made["timestamp"].as_str().unwrap().to_owned();
        assert!(made >= at, "made at {made}, before {at}");
        assert!(milliseconds(&made) - milliseconds(&at) < 1_000, "made at {made}, long after {at}");
    }
    // With no pause it is a time that is over.
    let world = World::start(kind);
    let customer = world.create();
    let at = verification(&world, &customer)["next_generation_at"].as_str().unwrap().to_owned();
    assert_eq!(generate(&world, &customer).status, 201);
    assert!(world.events_of(&customer).pop().unwrap()["timestamp"].as_str().unwrap() >= at.as_str());
}

/// The part of a time that is below a day, in milliseconds.
fn milliseconds(time: &str) -> i64 {
    let [hours, minutes, seconds] = [11, 14, 17].map(|from| time[from..from + 2].parse::<i64>().unwrap());
    ((hours * 60 + minutes) * 60 + seconds) * 1000 + time[20..23].parse::<i64>().unwrap()
}

fn who_is_not_there_has_none(kind: DatabaseKind) {
    let world = World::start(kind);
    for unknown in ["fffd7e80-1691-41f5-8946-9deeaf0b8640", "7"] {
        let path = format!("/v1/customers/{unknown}/verification");
        assert_problem(&world.http.get(&path), 404, "customer_not_found", unknown);
        assert_problem(&world.http.post(&format!("{path}/unlock"), &json!({})), 404, "customer_not_found", unknown);
    }
}
