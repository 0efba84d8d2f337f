//! What was acknowledged is there, whatever happens to the process.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_support::DatabaseKind;

use crate::world::{World, new_customer, number};

crate::on_both_databases!(
    what_was_acknowledged_survives_kill_9_with_exactly_one_event,
    sigterm_under_load_answers_all_that_was_accepted,
);

fn what_was_acknowledged_survives_kill_9_with_exactly_one_event(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let acknowledged = Mutex::new(BTreeSet::new());
    for _ in 0..3 {
        let before = acknowledged.lock().unwrap().len();
        create_until(&world, &acknowledged, 200, 1_000, |count| {
            // In the middle: some are through, most are not.
            if count >= before + 20 {
                world.service.kill();
            }
        });
        world.start_again();
    }

    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 60, "too few to show anything: {}", acknowledged.len());
    for id in &acknowledged {
        let answer = world.http.get(&format!("/v1/customers/{id}"));
        assert_eq!(answer.status, 200, "an acknowledged customer is gone: {answer:?}");
    }
    // Of those that were not acknowledged some may be stored, but each whole: a customer with his one event.
    let mut told = BTreeSet::new();
    for event in world.events() {
        let id = event["data"]["customer"]["id"].as_str().unwrap().to_owned();
        assert_eq!(event["data"]["sequence"], 1);
        assert_eq!(world.http.get(&format!("/v1/customers/{id}")).status, 200, "an event tells of nobody");
        assert!(told.insert(id), "two events tell of one creation");
    }
    assert!(acknowledged.is_subset(&told), "a customer has no event");

    for half in [
        "SELECT id FROM customers WHERE (SELECT count(*) FROM events WHERE events.customer_id = customers.id) <> 1",
        "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM phone_number_claims)",
        "SELECT phone_number FROM phone_number_claims WHERE customer_id NOT IN (SELECT id FROM customers)",
        "SELECT id FROM events WHERE customer_id NOT IN (SELECT id FROM customers)",
    ] {
        assert_eq!(world.database.count(half), 0, "half there: {half}");
    }
}

fn sigterm_under_load_answers_all_that_was_accepted(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let acknowledged = Mutex::new(BTreeSet::new());
    let told = AtomicUsize::new(0);
    create_until(&world, &acknowledged, 16, 5_000, |count| {
        if count >= 50 && told.fetch_add(1, Ordering::Relaxed) == 0 {
            world.service.signal("TERM");
        }
    });
    let started = Instant::now();
    let status = world.service.wait(Duration::from_secs(15));
    assert_eq!(status.code(), Some(0), "{}", world.service.logs());
    assert!(started.elapsed() < Duration::from_secs(12));

    world.start_again();
    let stored: BTreeSet<String> =
        world.events().iter().map(|event| event["data"]["customer"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(stored, acknowledged.into_inner().unwrap(), "what was stored was answered, and the other way round");
}

/// Sends up to `n` creates, so many at once, until the service is gone, and calls `then` after each acknowledged one.
fn create_until(
    world: &World,
    acknowledged: &Mutex<BTreeSet<String>>,
    at_once: usize,
    n: usize,
    then: impl Fn(usize) + Sync,
) {
    let left = AtomicUsize::new(n);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                    let body = new_customer(&number()).to_string();
                    let headers = [("Content-Type", "application/json")];
                    // No answer: the service has ended.
                    let Ok(answer) = world.http.try_send("POST", "/v1/customers", &headers, body) else { return };
                    if answer.status == 503 {
                        // A slow disk and a long queue: not acknowledged.
                        continue;
                    }
                    assert_eq!(answer.status, 201, "{answer:?}");
                    let count = {
                        let mut acknowledged = acknowledged.lock().unwrap();
                        acknowledged.insert(answer.json()["id"].as_str().unwrap().to_owned());
                        acknowledged.len()
                    };
                    then(count);
                }
            });
        }
    });
}
