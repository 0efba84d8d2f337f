//! Events leave: to webhook endpoints that fail in every way, to NATS, over the ends of processes.

mod broker;
mod faults;
mod order;
mod processes;
mod upkeep;
mod verification;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Received, TestReceiver};

use crate::world::{World, path_of, token_of};

/// What a delivery that nothing holds up takes at most, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_mins(1);

/// More than a lease: the longest that others wait for the share of a process that has died.
const TAKEOVER: Duration = Duration::from_mins(3);

/// Makes an endpoint that takes `verification` events, and returns its path.
fn endpoint(world: &World, receiver: &TestReceiver) -> String {
    endpoint_at(world, &receiver.url())
}

fn endpoint_at(world: &World, url: &str) -> String {
    let answer = world.http.post("/v1/webhook_endpoints", &json!({"url": url, "event_types": ["verification"]}));
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/v1/webhook_endpoints/{}", answer.json()["id"].as_str().unwrap())
}

/// The endpoint's deliveries, oldest first.
fn deliveries(world: &World, endpoint: &str) -> Vec<Value> {
    let answer = world.http.get(&format!("{endpoint}/deliveries?limit=100"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut deliveries = answer.json().as_array().unwrap().clone();
    deliveries.reverse();
    deliveries
}

fn regenerate(world: &World, customer: &Value) {
    let answer = world.http.send("POST", &format!("{}/generate_confirmation", path_of(customer)), &[], "");
    assert_eq!(answer.status, 201, "{answer:?}\n{}", world.service.logs());
}

fn confirm(world: &World, customer: &Value) -> Value {
    let body = json!({"confirmation_token": token_of(customer)});
    let answer = world.http.post(&format!("{}/confirm", path_of(customer)), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn customer_of(request: &Received) -> String {
    request.json()["data"]["customer"]["id"].as_str().unwrap().to_owned()
}

fn sequence_of(request: &Received) -> i64 {
    request.json()["data"]["sequence"].as_i64().unwrap()
}

/// The sequences that each customer's accepted events first arrived in. An event that was sent again counts once.
fn first_arrivals(accepted: &[Received]) -> BTreeMap<String, Vec<i64>> {
    let mut arrivals: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for request in accepted {
        let sequences = arrivals.entry(customer_of(request)).or_default();
        let sequence = sequence_of(request);
        if !sequences.contains(&sequence) {
            sequences.push(sequence);
        }
    }
    arrivals
}
