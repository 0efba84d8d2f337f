//! A customer's events arrive in their order; customers and endpoints do not wait for each other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, Received, TestReceiver};

use super::{SOON, confirm, customer_of, deliveries, endpoint, first_arrivals, regenerate, sequence_of};
use crate::world::{World, path_of, until};

crate::on_both_databases!(
    an_accepted_event_marks_its_token_as_sent_and_nothing_else,
    the_event_of_an_old_token_marks_nothing,
    a_customers_events_arrive_in_their_order_whatever_fails,
    customers_do_not_wait_for_each_other,
    endpoints_do_not_wait_for_each_other,
    an_event_goes_out_at_once,
    a_token_that_is_superseded_gets_one_more_try,
    a_token_that_has_died_gets_one_more_try,
    an_endpoint_gets_what_happens_after_it_was_made,
    a_disabled_endpoint_gets_its_events_when_it_is_enabled,
);

fn an_accepted_event_marks_its_token_as_sent_and_nothing_else(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let created = world.create();
    receiver.until_accepted(1, SOON);
    let customer = until("the token is marked as sent", SOON, || {
        let customer = world.http.get(&path_of(&created)).json();
        (!customer["confirmation_sent_at"].is_null()).then_some(customer)
    });
    assert!(customer["confirmation_sent_at"].as_str() >= created["created_at"].as_str());
    assert_eq!(customer["updated_at"], created["updated_at"], "bookkeeping is no update");
    assert_eq!(receiver.requests()[0].json()["data"]["customer"], created, "the event tells of the moment");

    let confirmed = confirm(&world, &created);
    assert_eq!(confirmed["confirmation_sent_at"], customer["confirmation_sent_at"], "it is kept");
}

fn the_event_of_an_old_token_marks_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Hang);
    let endpoint = endpoint(&world, &receiver);
    let created = world.create();
    receiver.until_count(1, SOON);
    regenerate(&world, &created);
    // The first one's event is accepted now, the second one's is not.
    receiver.answer_by(|request, _| Answering::Status(if sequence_of(request) == 1 { 200 } else { 500 }));
    until("the first is accepted and the second is not", SOON, || {
        let all = deliveries(&world, &endpoint);
        (all.len() == 2 && all[0]["status"] == "accepted" && !all[1]["tries"].as_array()?.is_empty()).then_some(())
    });
    assert_eq!(world.http.get(&path_of(&created)).json()["confirmation_sent_at"], Value::Null);
}

fn a_customers_events_arrive_in_their_order_whatever_fails(kind: DatabaseKind) {
    let schedule = [("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "20ms,20ms,20ms,20ms,20ms,20ms,20ms,20ms")];
    let world = World::with(kind, &schedule);
    let receiver = TestReceiver::start();
    // Every other try fails, each in another way.
    receiver.answer_by(|request, tries| match (tries, request.id().len() % 2, sequence_of(request) % 3) {
        (1, _, 0) => Answering::Status(500),
        (1, _, 1) => Answering::Reset,
        (2, _, 1) => Answering::Status(404),
        _ => Answering::Status(204),
    });
    endpoint(&world, &receiver);
    // The next one is made once this one has arrived: a token that is superseded is given up after one more try.
    let arrives = |customer: &Value, sequence: i64| {
        let id = customer["id"].as_str().unwrap();
        receiver.until("the event arrives", SOON, |requests| {
            let is_it = |one: &Received| one.is_accepted() && customer_of(one) == id && sequence_of(one) == sequence;
            requests.iter().rev().any(is_it)
        });
    };
    let customers: Vec<Value> = (0..8).map(|_| world.create()).collect();
    for sequence in 1..5 {
        for customer in &customers {
            arrives(customer, sequence);
            regenerate(&world, customer);
        }
    }
    receiver.until_accepted(40, SOON);
    for (customer, sequences) in first_arrivals(&receiver.accepted()) {
        assert_eq!(sequences, [1, 2, 3, 4, 5], "of {customer}");
    }
}

fn customers_do_not_wait_for_each_other(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let stuck = world.create();
    receiver.until_accepted(1, SOON);
    let id = stuck["id"].as_str().unwrap().to_owned();
    receiver.answer_by(
        move |request, _| {
            if customer_of(request) == id { Answering::Hang } else { Answering::Status(200) }
        },
    );
    regenerate(&world, &stuck);
    let others: BTreeSet<String> = (0..50).map(|_| world.create()["id"].as_str().unwrap().to_owned()).collect();
    receiver.until("all others arrive", SOON, |requests| {
        let arrived: BTreeSet<String> = requests.iter().filter(|one| one.is_accepted()).map(customer_of).collect();
        others.is_subset(&arrived)
    });
}

fn endpoints_do_not_wait_for_each_other(kind: DatabaseKind) {
    let world = World::start(kind);
    let (hanging, healthy) = (TestReceiver::start(), TestReceiver::start());
    hanging.answer(Answering::Hang);
    endpoint(&world, &hanging);
    endpoint(&world, &healthy);
    // More than may be under way to one endpoint at once.
    for _ in 0..100 {
        world.create();
    }
    healthy.until_accepted(100, SOON);
    assert!(hanging.count() <= 64, "{} are under way to the one that hangs", hanging.count());
}

fn an_event_goes_out_at_once(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    world.create();
    receiver.until_accepted(1, SOON);
    // Of many, the quickest: others may have had to wait for another test's turn. Nobody polls so often.
    let quickest = (0..20)
        .map(|_| {
            let count = receiver.accepted_count();
            world.create();
            let answered = Instant::now();
            receiver.until_accepted(count + 1, SOON);
            receiver.requests().last().unwrap().at.saturating_duration_since(answered)
        })
        .min()
        .unwrap();
    assert!(quickest < Duration::from_millis(50), "the quickest of 20 took {quickest:?}");
}

fn a_token_that_is_superseded_gets_one_more_try(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "24h,24h,24h,24h")]);
    let receiver = TestReceiver::start();
    receiver.answer_by(|request, _| Answering::Status(if sequence_of(request) == 1 { 500 } else { 200 }));
    let endpoint = endpoint(&world, &receiver);
    let customer = world.create();
    until("the first try is recorded", SOON, || {
        deliveries(&world, &endpoint).first().filter(|one| one["tries"][0]["status_code"] == 500).cloned()
    });
    regenerate(&world, &customer);
    receiver.until_accepted(1, SOON);
    let seen: Vec<(i64, Option<u16>)> =
        receiver.requests().iter().map(|request| (sequence_of(request), request.status)).collect();
    assert_eq!(seen, [(1, Some(500)), (1, Some(500)), (2, Some(200))], "nobody waits a day for a new code");
    let statuses = until("both are recorded", SOON, || {
        let statuses: Vec<Value> = deliveries(&world, &endpoint).iter().map(|one| one["status"].clone()).collect();
        (!statuses.contains(&json!("pending"))).then_some(statuses)
    });
    assert_eq!(statuses, ["failed", "accepted"]);
}

fn a_token_that_has_died_gets_one_more_try(kind: DatabaseKind) {
    let life = [("CUSTOMERS_CONFIRMATION_TTL", "3s"), ("CUSTOMERS_CONFIRMATION_GRACE", "0s")];
    let schedule = ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "100ms,5s,24h,24h");
    let world = World::with(kind, &[life[0], life[1], schedule]);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Status(500));
    let endpoint = endpoint(&world, &receiver);
    world.create();
    let failed = until("it is given up", SOON, || {
        deliveries(&world, &endpoint).first().filter(|one| one["status"] == "failed").cloned()
    });
    let expires_at = world.events()[0]["data"]["expires_at"].clone();
    let is_late: Vec<bool> =
        failed["tries"].as_array().unwrap().iter().map(|one| one["at"].as_str() > expires_at.as_str()).collect();
    assert_eq!(is_late, [false, false, true], "tries after {expires_at}: {failed}");
}

fn an_endpoint_gets_what_happens_after_it_was_made(kind: DatabaseKind) {
    let world = World::start(kind);
    let before = world.create();
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let after = world.create();
    receiver.until_accepted(1, SOON);
    let seen: Vec<String> = receiver.requests().iter().map(customer_of).collect();
    assert_eq!(seen, [after["id"].as_str().unwrap()]);
    regenerate(&world, &before);
    receiver.until_accepted(2, SOON);
    assert_eq!(sequence_of(&receiver.requests()[1]), 2, "its order is that of the sequence");
}

fn a_disabled_endpoint_gets_its_events_when_it_is_enabled(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    let disabled = world.http.patch(&endpoint, &json!({"disabled": true})).json();
    assert_eq!((&disabled["disabled"], &disabled["disabled_reason"]), (&json!(true), &json!("requested")));
    let customers: Vec<Value> = (0..3).map(|_| world.create()).collect();
    // An endpoint beside it shows that events go out.
    let other = TestReceiver::start();
    super::endpoint(&world, &other);
    world.create();
    other.until_accepted(1, SOON);
    assert_eq!(receiver.count(), 0);
    world.http.patch(&endpoint, &json!({"disabled": false}));
    receiver.until_accepted(4, SOON);
    let seen: BTreeSet<String> = receiver.requests().iter().map(|request: &Received| customer_of(request)).collect();
    assert!(customers.iter().all(|customer| seen.contains(customer["id"].as_str().unwrap())));
}
