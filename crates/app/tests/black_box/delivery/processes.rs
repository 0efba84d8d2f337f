//! Processes that die, pause or stop: what was committed arrives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, Http, Received, Service, TestReceiver};

use super::{SOON, TAKEOVER, confirm, customer_of, deliveries, endpoint, first_arrivals, sequence_of};
use crate::world::{World, new_customer, number, path_of, token_of, until};

crate::on_both_databases!(
    a_service_that_stops_leaves_its_share_to_the_next_one_at_once,
    what_was_committed_arrives_after_kill_9,
    a_process_that_was_paused_does_not_work_on_what_others_took_over,
);

fn a_service_that_stops_leaves_its_share_to_the_next_one_at_once(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = endpoint(&world, &receiver);
    receiver.answer(Answering::Hang);
    world.create();
    receiver.until_count(1, SOON);
    world.service.signal("TERM");
    // What is under way may finish, and is not sent again.
    receiver.answer(Answering::Status(200));
    assert_eq!(world.service.wait(Duration::from_secs(12)).code(), Some(0), "{}", world.service.logs());
    world.start_again();
    world.create();
    let started = Instant::now();
    receiver.until_accepted(2, Duration::from_secs(20));
    assert!(started.elapsed() < Duration::from_secs(20), "a lease that was given up is not waited for");
    assert_eq!(receiver.count(), 2);
    let statuses: Vec<Value> = deliveries(&world, &endpoint).iter().map(|one| one["tries"].clone()).collect();
    assert_eq!(statuses[0].as_array().unwrap().len(), 1);
}

fn what_was_committed_arrives_after_kill_9(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    receiver.answer(Answering::Hang);
    let created: BTreeSet<String> = (0..100).map(|_| world.create()["id"].as_str().unwrap().to_owned()).collect();
    receiver.until_count(1, SOON);
    world.service.kill();
    receiver.answer(Answering::Status(200));
    world.start_again();
    receiver.until("all arrive", TAKEOVER, |requests| {
        let arrived: BTreeSet<String> = requests.iter().filter(|one| one.is_accepted()).map(customer_of).collect();
        created.is_subset(&arrived)
    });
}

fn a_process_that_was_paused_does_not_work_on_what_others_took_over(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let first = world.create();
    // What is recorded is not sent again by whoever takes over.
    until("the delivery is recorded", SOON, || {
        let sent_at = world.http.get(&path_of(&first)).json()["confirmation_sent_at"].clone();
        (!sent_at.is_null()).then_some(())
    });
    world.service.signal("STOP");
    let other = world.another();
    let client = other.client().with_key(&world.key);
    let created = client.post("/v1/customers", &new_customer(&number()));
    assert_eq!(created.status, 201, "{created:?}");
    let customer = created.json();
    receiver.until_accepted(2, TAKEOVER);
    world.service.signal("CONT");
    let body = json!({"confirmation_token": token_of(&customer)});
    let path = format!("/v1/customers/{}/confirm", customer["id"].as_str().unwrap());
    assert_eq!(world.http.post(&path, &body).status, 200, "the paused one serves again");
    receiver.until_accepted(3, SOON);
    for _ in 0..20 {
        world.create();
    }
    receiver.until_accepted(23, SOON);
    assert_eq!(receiver.count(), 23, "one process delivers, not both");
    assert_eq!(sequence_of(&receiver.requests()[2]), 2);
}

/// What many clients do while processes die: creates and confirms, of which the acknowledged ones are kept.
struct Load {
    /// Customers, each with whether he was confirmed.
    acknowledged: Mutex<BTreeMap<String, bool>>,
    begun: AtomicUsize,
}

impl Load {
    const CUSTOMERS: usize = 250;

    /// Creates and confirms until there are enough, at whichever process answers.
    fn work(&self, ports: &[Mutex<Http>], first: usize) {
        let mut turn = first;
        while self.begun.fetch_add(1, Ordering::Relaxed) < Self::CUSTOMERS {
            let body = new_customer(&number());
            let Some(created) = Self::acknowledged_answer(ports, &mut turn, "/v1/customers", &body) else { continue };
            let id = created["id"].as_str().unwrap().to_owned();
            self.acknowledged.lock().unwrap().insert(id.clone(), false);
            let body = json!({"confirmation_token": token_of(&created)});
            let path = format!("/v1/customers/{id}/confirm");
            if Self::acknowledged_answer(ports, &mut turn, &path, &body).is_some() {
                self.acknowledged.lock().unwrap().insert(id, true);
            }
        }
    }

    /// Tries the processes in turn until one answers. A create whose answer was lost may have happened: then its number
    /// is taken, and it is nobody's.
    fn acknowledged_answer(ports: &[Mutex<Http>], turn: &mut usize, path: &str, body: &Value) -> Option<Value> {
        loop {
            *turn += 1;
            let http = ports[*turn % ports.len()].lock().unwrap().clone();
            let headers = [("Content-Type", "application/json")];
            match http.try_send("POST", path, &headers, body.to_string()) {
                Ok(answer) if matches!(answer.status, 200 | 201) => return Some(answer.json()),
                // Done before by a request whose answer was lost.
                Ok(answer) if answer.status == 409 => return None,
                Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                Err(_) => thread::yield_now(),
            }
        }
    }
}

#[test]
fn under_kill_9_every_second_every_acknowledged_change_arrives_in_order() {
    let world = World::start(DatabaseKind::Postgresql);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let services: [Mutex<Service>; 2] = [Mutex::new(world.another()), Mutex::new(world.another())];
    world.service.kill();
    let clients: Vec<Mutex<Http>> =
        services.iter().map(|service| Mutex::new(service.lock().unwrap().client().with_key(&world.key))).collect();
    let load = Load { acknowledged: Mutex::default(), begun: AtomicUsize::new(0) };
    let is_done = AtomicBool::new(false);
    let kills = thread::scope(|scope| {
        let killer = scope.spawn(|| {
            // One a second for ten seconds, each of the two in turn.
            let started = Instant::now();
            for kill in 0..10_u32 {
                until("the next second", SOON, || (started.elapsed() >= Duration::from_secs(1) * kill).then_some(()));
                let which = usize::try_from(kill % 2).unwrap();
                let mut service = services[which].lock().unwrap();
                service.kill();
                *service = world.another();
                *clients[which].lock().unwrap() = service.client().with_key(&world.key);
            }
            is_done.store(true, Ordering::Relaxed);
            10
        });
        for first in 0..8 {
            let (load, clients, is_done) = (&load, &clients, &is_done);
            scope.spawn(move || {
                load.work(clients, first);
                // The load goes on as long as processes die.
                while !is_done.load(Ordering::Relaxed) {
                    load.begun.store(Load::CUSTOMERS - 5, Ordering::Relaxed);
                    load.work(clients, first);
                }
            });
        }
        killer.join().unwrap()
    });

    let acknowledged = load.acknowledged.into_inner().unwrap();
    let confirmed = acknowledged.values().filter(|confirmed| **confirmed).count();
    assert!(acknowledged.len() + confirmed >= 500, "{} creates, {confirmed} confirms", acknowledged.len());
    let is_there = |requests: &[Received]| {
        let accepted: Vec<Received> = requests.iter().filter(|one| one.is_accepted()).cloned().collect();
        let arrivals = first_arrivals(&accepted);
        let all = |(id, confirmed): (&String, &bool)| {
            let sequences = arrivals.get(id).map(Vec::as_slice).unwrap_or_default();
            sequences.contains(&1) && (!confirmed || sequences.contains(&2))
        };
        acknowledged.iter().all(all)
    };
    receiver.until("every acknowledged change arrives", TAKEOVER, is_there);
    for (customer, sequences) in first_arrivals(&receiver.accepted()) {
        assert!(sequences == [1] || sequences == [1, 2], "of {customer}: {sequences:?}");
    }
    let accepted = receiver.accepted();
    let events: BTreeSet<&str> = accepted.iter().map(Received::id).collect();
    println!(
        "{kills} kills: {} creates and {confirmed} confirms acknowledged, {} events arrived, {} of them sent again",
        acknowledged.len(),
        events.len(),
        accepted.len() - events.len()
    );
    let stored = world.database.count("SELECT id FROM events");
    receiver.until("what was stored and not acknowledged arrives too", TAKEOVER, |requests| {
        let ids: BTreeSet<&str> = requests.iter().filter(|one| one.is_accepted()).map(Received::id).collect();
        i64::try_from(ids.len()).unwrap() == stored
    });
}

#[test]
fn the_event_of_one_process_goes_out_by_another() {
    let world = World::start(DatabaseKind::Postgresql);
    let receiver = TestReceiver::start();
    endpoint(&world, &receiver);
    let customer = world.create();
    receiver.until_accepted(1, SOON);
    // The first process holds the lease; the second one stores.
    let other = world.another();
    let client = other.client().with_key(&world.key);
    let quickest = (0..20)
        .map(|_| {
            let count = receiver.accepted_count();
            client.post("/v1/customers", &new_customer(&number()));
            let answered = Instant::now();
            receiver.until_accepted(count + 1, SOON);
            receiver.requests().last().unwrap().at.saturating_duration_since(answered)
        })
        .min()
        .unwrap();
    assert!(quickest < Duration::from_millis(100), "the quickest of 20 took {quickest:?}; nobody polls so often");
    confirm(&world, &customer);
}
