//! Endpoints that fail: what is retried, what is not, and when an endpoint is given up.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, TestReceiver};

use super::{SOON, deliveries, endpoint, endpoint_at, regenerate, sequence_of};
use crate::world::{World, until};

crate::on_both_databases!(
    what_is_no_success_is_tried_again_with_the_same_id,
    after_the_last_try_the_customers_next_event_goes_out,
    an_endpoint_that_hangs_is_tried_again_and_left_alone_when_it_goes_on,
    an_endpoint_that_is_down_gets_all_when_it_is_back,
    gone_disables_the_endpoint_and_loses_nothing,
    an_endpoint_that_fails_for_five_days_is_disabled,
    an_endpoint_is_not_tried_before_it_wants_to_be,
    a_redirect_is_not_followed,
    a_success_counts_however_slow_or_long_its_body,
);

const QUICK: (&str, &str) = ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "10ms,20ms,40ms");

fn status_codes(delivery: &Value) -> Vec<Value> {
    delivery["tries"].as_array().unwrap().iter().map(|tried| tried["status_code"].clone()).collect()
}

/// Waits until the endpoint's one delivery stands so.
fn until_status(world: &World, endpoint: &str, status: &str) -> Value {
    until(status, SOON, || deliveries(world, endpoint).first().filter(|one| one["status"] == status).cloned())
}

fn what_is_no_success_is_tried_again_with_the_same_id(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    receiver.answer_by(|_, tries| match tries {
        1 => Answering::Status(500),
        2 => Answering::Reset,
        3 => Answering::StatusWith { status: 404, headers: Vec::new(), body: "no such hook".to_owned() },
        _ => Answering::Status(202),
    });
    let endpoint = endpoint(&world, &receiver);
    world.create();
    let delivery = until_status(&world, &endpoint, "accepted");
    assert_eq!(status_codes(&delivery), [json!(500), json!(null), json!(404), json!(202)]);
    assert!(delivery["tries"][1]["error"].as_str().unwrap().contains("closed"), "{delivery}");
    assert_eq!(delivery["tries"][2]["answer"], "no such hook");
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.id() == requests[0].id() && request.body == requests[0].body));
    assert_eq!(delivery["event_id"], requests[0].id());
}

fn after_the_last_try_the_customers_next_event_goes_out(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    receiver.answer_by(|request, _| Answering::Status(if sequence_of(request) == 1 { 503 } else { 200 }));
    let endpoint = endpoint(&world, &receiver);
    let customer = world.create();
    let delivery = until_status(&world, &endpoint, "failed");
    assert_eq!(status_codes(&delivery), vec![json!(503); 4]);
    assert_eq!(delivery["next_try_at"], json!(null));
    regenerate(&world, &customer);
    receiver.until_accepted(1, SOON);
}

fn an_endpoint_that_hangs_is_tried_again_and_left_alone_when_it_goes_on(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Hang);
    let endpoint = endpoint(&world, &receiver);
    for _ in 0..20 {
        world.create();
    }
    let tried = until("a try has no answer", Duration::from_secs(40), || {
        deliveries(&world, &endpoint).into_iter().find(|one| !one["tries"].as_array().unwrap().is_empty())
    });
    let first = &tried["tries"][0];
    assert_eq!(first["status_code"], json!(null));
    assert!((15_000..20_000).contains(&first["duration_ms"].as_i64().unwrap()), "{first}");
    // After ten tries without an answer, it is tried once in a while, and whoever waits keeps his tries.
    until("the other tries have ended", Duration::from_secs(40), || {
        deliveries(&world, &endpoint).iter().all(|one| !one["tries"].as_array().unwrap().is_empty()).then_some(())
    });
    let before = receiver.count();
    assert!(before <= 30, "{before} requests for 20 deliveries");
    receiver.answer(Answering::Status(200));
    receiver.until_accepted(20, Duration::from_secs(80));
}

fn an_endpoint_that_is_down_gets_all_when_it_is_back(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "100ms,100ms,100ms,100ms,1s,1s,1s,1s,1s")]);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    receiver.down();
    let created: Vec<Value> = (0..40).map(|_| world.create()["id"].clone()).collect();
    let tried = until("a try is refused", SOON, || {
        deliveries(&world, &endpoint).into_iter().find(|one| !one["tries"].as_array().unwrap().is_empty())
    });
    assert!(tried["tries"][0]["error"].as_str().unwrap().contains("refused"), "{tried}");
    receiver.up();
    receiver.until_accepted(created.len(), Duration::from_mins(1));
    let failed = world.http.get(&format!("{endpoint}/deliveries?status=failed")).json();
    assert_eq!(failed, json!([]), "nothing was given up while it was down");
}

fn gone_disables_the_endpoint_and_loses_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Status(410));
    let endpoint = endpoint(&world, &receiver);
    world.create();
    let object = until("the endpoint is disabled", SOON, || {
        Some(world.http.get(&endpoint).json()).filter(|object| object["disabled"] == true)
    });
    assert_eq!(object["disabled_reason"], "gone");
    world.until_logged("the end of the endpoint", |logs| logs.contains("a webhook endpoint was disabled"));
    receiver.answer(Answering::Status(200));
    world.http.patch(&endpoint, &json!({"disabled": false}));
    receiver.until_accepted(1, SOON);
    let delivery = until_status(&world, &endpoint, "accepted");
    assert_eq!(status_codes(&delivery), [json!(410), json!(200)]);
}

fn an_endpoint_that_fails_for_five_days_is_disabled(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Status(500));
    let endpoint = endpoint(&world, &receiver);
    world.create();
    let failing = until("it is failing", SOON, || {
        Some(world.http.get(&endpoint).json()).filter(|object| !object["failing_since"].is_null())
    });
    assert_eq!(failing["disabled"], false);
    world.database.execute(match kind {
        DatabaseKind::Sqlite => "UPDATE webhook_endpoints SET failing_since = failing_since - 432000000",
        DatabaseKind::Postgresql => "UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days'",
    });
    let object = until("the endpoint is disabled", SOON, || {
        world.create();
        Some(world.http.get(&endpoint).json()).filter(|object| object["disabled"] == true)
    });
    assert_eq!(object["disabled_reason"], "failing");
    world.until_logged("the end of the endpoint", |logs| logs.contains("a webhook endpoint was disabled"));
    let enabled = world.http.patch(&endpoint, &json!({"disabled": false})).json();
    assert_eq!((&enabled["failing_since"], &enabled["disabled_at"]), (&json!(null), &json!(null)));
}

fn an_endpoint_is_not_tried_before_it_wants_to_be(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    let wait = [("Retry-After".to_owned(), "2".to_owned())].to_vec();
    receiver.answer_by(move |_, tries| match tries {
        1 => Answering::StatusWith { status: 429, headers: wait.clone(), body: String::new() },
        _ => Answering::Status(200),
    });
    endpoint(&world, &receiver);
    let started = Instant::now();
    world.create();
    receiver.until_accepted(1, SOON);
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
}

fn a_redirect_is_not_followed(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let (receiver, elsewhere) = (TestReceiver::start(), TestReceiver::start());
    receiver.answer(Answering::Redirect(elsewhere.url()));
    let endpoint = endpoint(&world, &receiver);
    world.create();
    let delivery = until_status(&world, &endpoint, "failed");
    assert_eq!(status_codes(&delivery), vec![json!(307); 4]);
    assert_eq!(elsewhere.count(), 0);
}

fn a_success_counts_however_slow_or_long_its_body(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let (slow, long) = (TestReceiver::start(), TestReceiver::start());
    slow.answer(Answering::SlowBody { status: 200 });
    long.answer(Answering::HugeBody { status: 200, bytes: 50_000_000 });
    let endpoints = [endpoint_at(&world, &slow.url()), endpoint_at(&world, &long.url())];
    let customer = world.create();
    regenerate(&world, &customer);
    for endpoint in &endpoints {
        let all = until("both are accepted", SOON, || {
            let all = deliveries(&world, endpoint);
            (all.len() == 2 && all.iter().all(|one| one["status"] == "accepted")).then_some(all)
        });
        assert!(all.iter().all(|one| one["tries"][0]["answer"].as_str().unwrap_or_default().len() <= 1024));
    }
}
