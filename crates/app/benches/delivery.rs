//! How fast events reach a receiver on this machine, and what that costs: a figure a line. The receiver, the load and
//! the databases share the machine's cores.
//!
//!     scripts/with-postgres cargo bench --package app --bench delivery
//!
//! PostgreSQL is the tests' own there, which does not wait for the disk; SQLite does.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that fails panics")]
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "figures are printed, and are no exact science")]

#[path = "../tests/black_box/world.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod world;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use test_support::{Answering, DatabaseKind, TestReceiver};

use world::{World, new_customer, number};

/// How long anything here may take.
const BOUND: Duration = Duration::from_mins(5);
const WAITING: usize = 10_000;
const BACKLOG: usize = 100_000;
const PACED: usize = 1_000;
const PACE: Duration = Duration::from_millis(5);

fn main() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgresql] {
        throughput(kind);
        backlog(kind);
        latency(kind, false);
        latency(kind, true);
    }
}

fn endpoint(world: &World, receiver: &TestReceiver, disabled: bool) -> String {
    let body = json!({"url": receiver.url(), "event_types": ["verification"]});
    let made = world.http.post("/v1/webhook_endpoints", &body).json();
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    if disabled {
        assert_eq!(world.http.patch(&path, &json!({"disabled": true})).status, 200);
    }
    path
}

/// Events of customers, stored while nothing is sent, then sent as fast as it goes.
fn throughput(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "warn")]);
    let receiver = TestReceiver::counting();
    let endpoint = endpoint(&world, &receiver, true);
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..WAITING / 16 {
                    assert_eq!(world.http.post("/v1/customers", &new_customer(&number())).status, 201);
                }
            });
        }
    });
    let created = started.elapsed();
    let started = Instant::now();
    world.http.patch(&endpoint, &json!({"disabled": false}));
    receiver.until_accepted(WAITING, BOUND);
    let took = started.elapsed();
    println!(
        "{kind:?}: {:.0} creates/s over HTTP; {WAITING} waiting events delivered at {:.0}/s, {} sent again",
        WAITING as f64 / created.as_secs_f64(),
        WAITING as f64 / took.as_secs_f64(),
        receiver.count() - WAITING
    );
}

/// A backlog that is much longer than what may be held in memory.
fn backlog(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "warn")]);
    let receiver = TestReceiver::counting();
    let endpoint = endpoint(&world, &receiver, true);
    world.create();
    let id = match kind {
        DatabaseKind::Sqlite => "unhex(printf('%032x', n))",
        DatabaseKind::Postgresql => "CAST(lpad(to_hex(n), 32, '0') AS UUID)",
    };
    world.database.execute(&format!(
        "INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {BACKLOG}) \
         SELECT {id}, {id}, 1, type, occurred_at, payload FROM events, numbers"
    ));
    let before = world.service.resident_kib();
    let started = Instant::now();
    world.http.patch(&endpoint, &json!({"disabled": false}));
    let mut most = before;
    while receiver.accepted_count() < BACKLOG {
        most = most.max(world.service.resident_kib());
        assert!(started.elapsed() < BOUND, "{} of {BACKLOG}", receiver.accepted_count());
        thread::sleep(Duration::from_millis(50));
    }
    println!(
        "{kind:?}: a backlog of {BACKLOG} delivered at {:.0}/s; {:.1} MiB resident before, {:.1} MiB at most",
        BACKLOG as f64 / started.elapsed().as_secs_f64(),
        before as f64 / 1024.0,
        most as f64 / 1024.0
    );
}

/// From the answer to a create until its event is there, at a steady pace.
fn latency(kind: DatabaseKind, beside_one_that_hangs: bool) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "warn")]);
    let (receiver, hanging) = (TestReceiver::start(), TestReceiver::counting());
    endpoint(&world, &receiver, false);
    if beside_one_that_hangs {
        hanging.answer(Answering::Hang);
        endpoint(&world, &hanging, false);
    }
    world.create();
    receiver.until_accepted(1, BOUND);
    receiver.forget();
    let mut answered = Vec::with_capacity(PACED);
    let started = Instant::now();
    for turn in 0..PACED {
        let next = started + PACE * u32::try_from(turn).unwrap();
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let customer = world.create();
        answered.push((customer["id"].as_str().unwrap().to_owned(), Instant::now()));
    }
    receiver.until_accepted(PACED, BOUND);
    let arrived: std::collections::HashMap<String, Instant> = receiver
        .requests()
        .iter()
        .map(|request| (request.json()["data"]["customer"]["id"].as_str().unwrap().to_owned(), request.at))
        .collect();
    let mut waits: Vec<Duration> = answered.iter().map(|(id, at)| arrived[id].saturating_duration_since(*at)).collect();
    waits.sort_unstable();
    println!(
        "{kind:?}: from commit to receipt at {:.0}/s{}: median {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        1.0 / PACE.as_secs_f64(),
        if beside_one_that_hangs { " beside an endpoint that hangs" } else { "" },
        waits[PACED / 2].as_secs_f64() * 1e3,
        waits[PACED * 99 / 100].as_secs_f64() * 1e3,
        waits[PACED - 1].as_secs_f64() * 1e3
    );
}
