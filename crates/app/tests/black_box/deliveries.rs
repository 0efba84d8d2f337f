//! What became of an endpoint's deliveries, as a caller sees it, and delivering again.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, Answering, DatabaseKind, Received, TestReceiver};

use crate::errors::{assert_fields, assert_problem};
use crate::world::{World, next_page, token_of, until};

crate::on_both_databases!(
    a_delivery_tells_of_every_try,
    deliveries_are_filtered_by_where_they_stand,
    pages_go_from_the_newest_to_the_oldest,
    a_query_that_is_wrong_is_refused,
    a_delivery_is_delivered_again,
    all_events_since_a_time_are_delivered_again,
    a_read_key_sees_tries_without_answers,
);

const SOON: Duration = Duration::from_mins(1);
const QUICK: (&str, &str) = ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "10ms,10ms,10ms");

fn endpoint(world: &World, receiver: &TestReceiver) -> String {
    let answer =
        world.http.post("/v1/webhook_endpoints", &json!({"url": receiver.url(), "event_types": ["verification"]}));
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/v1/webhook_endpoints/{}", answer.json()["id"].as_str().unwrap())
}

fn list(world: &World, path: &str) -> Vec<Value> {
    let answer = world.http.get(path);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    answer.json().as_array().unwrap().clone()
}

/// Waits until so many deliveries are accepted or failed, and returns all, newest first.
fn until_finished(world: &World, endpoint: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} deliveries are finished"), SOON, || {
        let all = list(world, &format!("{endpoint}/deliveries?limit=100"));
        (all.iter().filter(|one| one["finished_at"].is_string()).count() == count).then_some(all)
    })
}

fn saying(status: u16, body: &str) -> Answering {
    Answering::StatusWith { status, headers: Vec::new(), body: body.to_owned() }
}

fn a_delivery_tells_of_every_try(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    receiver.answer_by(|_, tries| match tries {
        1 => saying(500, &format!("x{}", "é".repeat(3000))),
        2 => Answering::Reset,
        3 => Answering::Status(404),
        _ => saying(200, "thank you"),
    });
    let endpoint = endpoint(&world, &receiver);
    let customer = world.create();
    let all = until_finished(&world, &endpoint, 1);
    let [delivery] = &all[..] else { panic!("one delivery: {all:?}") };
    let members: Vec<&str> = delivery.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "id",
            "endpoint_id",
            "event_id",
            "event_type",
            "customer_id",
            "status",
            "repeat",
            "created_at",
            "finished_at",
            "next_try_at",
            "tries"
        ]
    );
    assert!(delivery["id"].as_str().unwrap().starts_with("dlv_"));
    assert!(endpoint.ends_with(delivery["endpoint_id"].as_str().unwrap()));
    assert_eq!((&delivery["event_id"], &delivery["event_type"]), (&world.events()[0]["id"], &json!("verification")));
    assert_eq!((&delivery["customer_id"], &delivery["status"]), (&customer["id"], &json!("accepted")));
    assert_eq!((&delivery["repeat"], &delivery["next_try_at"]), (&Value::Null, &Value::Null));

    let tries = delivery["tries"].as_array().unwrap();
    let codes: Vec<&Value> = tries.iter().map(|tried| &tried["status_code"]).collect();
    assert_eq!(codes, [&json!(500), &Value::Null, &json!(404), &json!(200)], "oldest first");
    let answers: Vec<Option<&str>> = tries.iter().map(|tried| tried["answer"].as_str()).collect();
    let cut = format!("x{}", "é".repeat(511));
    assert_eq!(answers, [Some(cut.as_str()), None, None, Some("thank you")], "1 KiB, in whole characters");
    let mut before = &delivery["created_at"];
    for tried in tries {
        let members: Vec<&str> = tried.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["at", "status_code", "duration_ms", "answer", "error"]);
        assert_eq!(tried["error"].is_string(), tried["status_code"].is_null(), "either, not both: {tried}");
        assert!(tried["duration_ms"].as_i64().is_some_and(|ms| (0..10_000).contains(&ms)), "{tried}");
        assert!(tried["at"].as_str() >= before.as_str(), "{tried} is before {before}");
        before = &tried["at"];
    }
    assert!(delivery["finished_at"].as_str() >= before.as_str());
}

fn deliveries_are_filtered_by_where_they_stand(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "1ms")]);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    world.create();
    receiver.until_accepted(1, SOON);
    receiver.answer(saying(500, "no"));
    world.create();
    let finished = until_finished(&world, &endpoint, 2);
    receiver.answer(Answering::Hang);
    world.create();
    receiver.until_count(4, SOON);
    let all = list(&world, &format!("{endpoint}/deliveries"));
    assert_eq!(all[1..], finished, "what is finished stays as it is");
    let statuses: Vec<&Value> = all.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["pending", "failed", "accepted"]);
    for (status, expected) in [("pending", &all[0]), ("failed", &all[1]), ("accepted", &all[2])] {
        let some = list(&world, &format!("{endpoint}/deliveries?status={status}"));
        assert_eq!(some, std::slice::from_ref(expected), "{status}");
    }
    assert_eq!(all[1]["tries"].as_array().unwrap().len(), 2);
    assert_eq!(all[0]["tries"], json!([]), "the try that is under way is none yet");
}

/// Follows `Link` from page to page, and returns how many deliveries each has and all of their ids.
fn pages(world: &World, path: &str) -> (Vec<usize>, Vec<Value>) {
    let (mut sizes, mut ids, mut path) = (Vec::new(), Vec::new(), Some(path.to_owned()));
    while let Some(current) = path {
        let answer = world.http.get(&current);
        let page = answer.json().as_array().unwrap().clone();
        sizes.push(page.len());
        ids.extend(page.into_iter().map(|delivery| delivery["id"].clone()));
        path = next_page(&answer);
    }
    (sizes, ids)
}

fn pages_go_from_the_newest_to_the_oldest(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    let customers: Vec<Value> = (0..25)
        .map(|count| {
            let customer = world.create()["id"].clone();
            receiver.until_accepted(count + 1, SOON);
            customer
        })
        .collect();
    let all = until_finished(&world, &endpoint, 25);
    let of_customers: Vec<&Value> = all.iter().rev().map(|delivery| &delivery["customer_id"]).collect();
    assert_eq!(of_customers, customers.iter().collect::<Vec<_>>());
    let ids: Vec<Value> = all.iter().map(|delivery| delivery["id"].clone()).collect();
    assert_eq!(pages(&world, &format!("{endpoint}/deliveries")), (vec![20, 5], ids.clone()));
    assert_eq!(pages(&world, &format!("{endpoint}/deliveries?limit=10")), (vec![10, 10, 5], ids.clone()));
    let accepted = format!("{endpoint}/deliveries?limit=10&status=accepted");
    assert_eq!(pages(&world, &accepted), (vec![10, 10, 5], ids));
    let link = world.http.get(&accepted);
    assert!(next_page(&link).unwrap().contains("status=accepted"), "{link:?}");
    assert_eq!(pages(&world, &format!("{endpoint}/deliveries?limit=10&status=failed")), (vec![0], Vec::new()));
}

fn a_query_that_is_wrong_is_refused(kind: DatabaseKind) {
    let world = World::start(kind);
    let receivers = [TestReceiver::start(), TestReceiver::start()];
    let [one, other] = receivers.each_ref().map(|receiver| endpoint(&world, receiver));
    world.create();
    let of_other = until_finished(&world, &other, 1)[0]["id"].as_str().unwrap().to_owned();
    for (query, field, code) in [
        ("after=dlv_0193573c5c2b7c3a9d0e1f2a3b4c5d6e", "after", "invalid"),
        (&format!("after={of_other}"), "after", "invalid"),
        ("after=7", "after", "invalid"),
        ("after=", "after", "invalid"),
        ("status=done", "status", "invalid"),
        ("status=", "status", "invalid"),
        ("status=failed&status=pending", "status", "invalid"),
        ("limit=0", "limit", "invalid"),
        ("limit=101", "limit", "invalid"),
        ("page=2", "page", "unknown"),
    ] {
        let answer = world.http.get(&format!("{one}/deliveries?{query}"));
        assert_eq!(answer.status, 422, "{query}: {answer:?}");
        assert_fields(&answer, &[(field, code)]);
    }
    let answer = world.http.get(&format!("{one}/deliveries?limit=x&after=7&status=x&page=2"));
    assert_fields(&answer, &[("after", "invalid"), ("limit", "invalid"), ("page", "unknown"), ("status", "invalid")]);
}

fn repeat_of(request: &Received) -> Option<&str> {
    request.header("customers-repeat")
}

fn a_delivery_is_delivered_again(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "1ms")]);
    let receivers = [TestReceiver::start(), TestReceiver::start()];
    let [one, other] = receivers.each_ref().map(|receiver| endpoint(&world, receiver));
    receivers[0].answer(Answering::Status(500));
    world.create();
    let failed = until_finished(&world, &one, 1).remove(0);
    let of_other = until_finished(&world, &other, 1).remove(0);
    receivers[0].answer(Answering::Status(200));
    receivers[0].forget();

    let path = format!("{one}/deliveries/{}/redeliver", failed["id"].as_str().unwrap());
    let answer = world.http.send("POST", &path, &[], "");
    assert_eq!((answer.status, answer.header("cache-control")), (202, Some("no-store")), "{answer:?}");
    let queued = answer.json();
    assert_ne!(queued["id"], failed["id"], "it is a delivery of its own");
    for same in ["endpoint_id", "event_id", "event_type", "customer_id"] {
        assert_eq!(queued[same], failed[same], "{same}");
    }
    assert_eq!((&queued["status"], &queued["repeat"]), (&json!("pending"), &json!("redelivery")));
    assert_eq!(queued["tries"], json!([]));
    receivers[0].until_accepted(1, SOON);
    let [request] = &receivers[0].requests()[..] else { panic!("one request") };
    assert_eq!((repeat_of(request), Some(request.id())), (Some("redelivery"), failed["event_id"].as_str()));
    assert_eq!(request.json(), world.events()[0]);
    let all = until_finished(&world, &one, 2);
    assert_eq!((&all[0]["id"], &all[0]["status"]), (&queued["id"], &json!("accepted")));
    assert_eq!(all[1], failed, "what it repeats stays as it is");

    // What was accepted can be had again too, as often as one likes.
    let path = format!("{other}/deliveries/{}/redeliver", of_other["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(world.http.post(&path, &json!({})).status, 202);
    }
    receivers[1].until_accepted(3, SOON);
    let repeats: Vec<_> = receivers[1].requests().iter().map(|one| repeat_of(one).map(str::to_owned)).collect();
    assert_eq!(repeats, [None, Some("redelivery".to_owned()), Some("redelivery".to_owned())]);

    assert_fields(&world.http.post(&path, &json!({"now": true})), &[("now", "unknown")]);
    let mixed = format!("{one}/deliveries/{}/redeliver", of_other["id"].as_str().unwrap());
    assert_problem(&world.http.send("POST", &mixed, &[], ""), 404, "delivery_not_found", "it is another endpoint's");
}

fn all_events_since_a_time_are_delivered_again(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    for count in 0..5 {
        world.create();
        receiver.until_accepted(count + 1, SOON);
    }
    let events = world.events();
    receiver.forget();
    let replay = |since: &Value| world.http.post(&format!("{endpoint}/replay"), &json!({"since": since}));
    let queued = |answer: &Answer| {
        assert_eq!((answer.status, answer.header("cache-control")), (202, Some("no-store")), "{answer:?}");
        answer.json()
    };
    // That very time included.
    let since = &events[2]["timestamp"];
    let expected: Vec<&Value> = events.iter().filter(|event| event["timestamp"].as_str() >= since.as_str()).collect();
    assert_eq!(queued(&replay(since)), json!({"queued": expected.len()}));
    receiver.until_accepted(expected.len(), SOON);
    let mut arrived: Vec<String> = receiver.requests().iter().map(|one| one.id().to_owned()).collect();
    arrived.sort();
    let mut ids: Vec<&str> = expected.iter().map(|event| event["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(arrived, ids);
    assert!(receiver.requests().iter().all(|request| repeat_of(request) == Some("replay")));
    let all = until_finished(&world, &endpoint, 5 + expected.len());
    assert!(all[..expected.len()].iter().all(|delivery| delivery["repeat"] == "replay"), "{all:?}");

    assert_eq!(queued(&replay(&json!("2000-01-01T00:00:00+02:00"))), json!({"queued": 5}));
    assert_eq!(queued(&replay(&json!("2100-01-01T00:00:00Z"))), json!({"queued": 0}));
    for (body, code) in [
        (json!({}), "missing"),
        (json!({"since": null}), "missing"),
        (json!({"since": 7}), "wrong_type"),
        (json!({"since": ""}), "invalid"),
        (json!({"since": "yesterday"}), "invalid"),
        (json!({"since": "2026-11-25"}), "invalid"),
        (json!({"since": "2026-11-25T08:00:00"}), "invalid"),
        (json!({"since": "2026-13-25T08:00:00Z"}), "invalid"),
    ] {
        assert_fields(&world.http.post(&format!("{endpoint}/replay"), &body), &[("since", code)]);
    }
    let body = json!({"until": "2026-11-25T08:00:00Z"});
    let answer = world.http.post(&format!("{endpoint}/replay"), &body);
    assert_fields(&answer, &[("since", "missing"), ("until", "unknown")]);
    let answer = world.http.send("POST", &format!("{endpoint}/replay"), &[], "");
    assert_problem(&answer, 400, "malformed_request", "there is no body");
}

fn a_read_key_sees_tries_without_answers(kind: DatabaseKind) {
    let world = World::with(kind, &[QUICK]);
    let receiver = TestReceiver::start();
    // It repeats what it was sent.
    receiver.answer_by(|request, tries| match tries {
        1 => Answering::Reset,
        _ => saying(200, &request.body),
    });
    let endpoint = endpoint(&world, &receiver);
    let customer = world.create();
    let mut shown = until_finished(&world, &endpoint, 1);
    assert!(shown[0].to_string().contains(token_of(&customer)), "a write key sees it: {shown:?}");
    let seen = world.client_with_scope("read").get(&format!("{endpoint}/deliveries"));
    assert!(!seen.text.contains(token_of(&customer)), "{}", seen.text);
    shown[0]["tries"][1]["answer"] = Value::Null;
    assert_eq!(seen.json(), json!(shown), "nothing else is hidden");
}
