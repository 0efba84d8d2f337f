//! Many at once: exactly one wins, and limits hold.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::json;
use test_support::{Answer, DatabaseKind, Http, Service};

use crate::world::{World, new_customer, number, other_token, path_of, token_of};

crate::on_both_databases!(
    of_40_creates_of_one_number_one_succeeds,
    of_40_creates_under_one_id_one_succeeds,
    of_40_confirms_one_succeeds,
    of_60_wrong_guesses_5_are_judged,
    of_a_days_wrong_guesses_at_two_processes_10_are_judged,
    of_tokens_asked_of_two_processes_one_in_an_interval_is_made,
    of_20_retrieves_all_get_the_same_links,
);

/// Sends the same request from as many threads and counts the answers by status and code.
fn at_once(n: usize, clients: &[Http], send: impl Fn(&Http) -> Answer + Sync) -> BTreeMap<(u16, String), usize> {
    thread::scope(|scope| {
        let send = &send;
        let threads: Vec<_> = clients.iter().cycle().take(n).map(|client| scope.spawn(move || send(client))).collect();
        count(threads.into_iter().map(|thread| thread.join().unwrap()))
    })
}

/// The same, one after the other, by each client in turn.
fn in_turn(n: usize, clients: &[Http], send: impl Fn(&Http) -> Answer) -> BTreeMap<(u16, String), usize> {
    count(clients.iter().cycle().take(n).map(send))
}

fn count(answers: impl Iterator<Item = Answer>) -> BTreeMap<(u16, String), usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let code = match answer.status {
            200..=299 => String::new(),
            _ => answer.json()["code"].as_str().unwrap().to_owned(),
        };
        *counts.entry((answer.status, code)).or_default() += 1;
    }
    counts
}

/// Two processes on one database: nothing that guards people may live in one of them.
fn clients(world: &World, other: &Service) -> [Http; 2] {
    [world.http.clone(), other.client().with_key(&world.key)]
}

fn counted<const N: usize>(counts: [((u16, &str), usize); N]) -> BTreeMap<(u16, String), usize> {
    counts.into_iter().map(|((status, code), n)| ((status, code.to_owned()), n)).collect()
}

fn of_40_creates_of_one_number_one_succeeds(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let body = new_customer(&number());
    let counts = at_once(40, &clients(&world, &other), |http| http.post("/v1/customers", &body));
    assert_eq!(counts, counted([((201, ""), 1), ((409, "phone_number_taken"), 39)]));
    assert_eq!(world.events().len(), 1);
}

fn of_40_creates_under_one_id_one_succeeds(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let path = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";
    let counts = at_once(40, &clients(&world, &other), |http| http.post(path, &new_customer(&number())));
    assert_eq!(counts, counted([((201, ""), 1), ((409, "customer_id_taken"), 39)]));
    assert_eq!(world.events().len(), 1);
}

fn of_40_confirms_one_succeeds(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let customer = world.create();
    let path = format!("{}/confirm", path_of(&customer));
    let body = json!({"confirmation_token": token_of(&customer)});
    let counts = at_once(40, &clients(&world, &other), |http| http.post(&path, &body));
    assert_eq!(counts, counted([((200, ""), 1), ((409, "already_confirmed"), 39)]));
    let sequences: Vec<_> = world.events().iter().map(|event| event["data"]["sequence"].clone()).collect();
    assert_eq!(sequences, [1, 2]);
}

fn of_60_wrong_guesses_5_are_judged(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let customer = world.create();
    let path = format!("{}/confirm", path_of(&customer));
    let body = json!({"confirmation_token": other_token(token_of(&customer))});
    let counts = at_once(60, &clients(&world, &other), |http| http.post(&path, &body));
    assert_eq!(counts, counted([((422, "confirmation_token_invalid"), 5), ((429, "too_many_attempts"), 55)]));
}

fn of_a_days_wrong_guesses_at_two_processes_10_are_judged(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = clients(&world, &other);
    let path = path_of(&world.create());
    let guess = |http: &Http, token: &str| {
        http.post(&format!("{path}/confirm"), &json!({"confirmation_token": other_token(token)}))
    };
    let five = counted([((422, "confirmation_token_invalid"), 5), ((429, "too_many_attempts"), 15)]);
    let none = counted([((429, "too_many_attempts"), 20)]);
    let (token, renew) = (
        || token_of(&world.http.get(&path).json()).to_owned(),
        |http: &Http| assert_eq!(http.post(&format!("{path}/generate_confirmation"), &json!({})).status, 201),
    );
    let first = token();
    assert_eq!(in_turn(20, &clients, |http| guess(http, &first)), five);
    renew(&clients[1]);
    let second = token();
    assert_eq!(at_once(20, &clients, |http| guess(http, &second)), five);
    renew(&clients[0]);
    let third = token();
    assert_eq!(in_turn(20, &clients, |http| guess(http, &third)), none, "a new token is no way around");
    assert_eq!(at_once(20, &clients, |http| guess(http, &third)), none);
}

fn of_tokens_asked_of_two_processes_one_in_an_interval_is_made(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "3s")]);
    let other = world.another();
    let clients = clients(&world, &other);
    let path = format!("{}/generate_confirmation", path_of(&world.create()));
    let generate = |http: &Http| http.post(&path, &json!({}));
    assert_eq!(in_turn(6, &clients, generate), counted([((429, "resend_too_soon"), 6)]));
    let wait = generate(&clients[1]).header("retry-after").unwrap().parse().unwrap();
    thread::sleep(Duration::from_secs(wait));
    assert_eq!(at_once(20, &clients, generate), counted([((201, ""), 1), ((429, "resend_too_soon"), 19)]));
    assert_eq!(in_turn(6, &clients, generate), counted([((429, "resend_too_soon"), 6)]));
}

fn of_20_retrieves_all_get_the_same_links(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let path = path_of(&world.create());
    let urls = std::sync::Mutex::new(Vec::new());
    at_once(20, &clients(&world, &other), |http| {
        let answer = http.get(&path);
        // Each process has its own origin; the code is what must be the same.
        let url = answer.json()["card_url"].as_str().unwrap().to_owned();
        urls.lock().unwrap().push(url.rsplit('/').next().unwrap().to_owned());
        answer
    });
    let mut codes = urls.into_inner().unwrap();
    codes.dedup();
    assert_eq!(codes.len(), 1, "{codes:?}");
}
