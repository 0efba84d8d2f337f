//! What happens between a customer's first message and his confirmed number: wrong tokens, late ones, new ones.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind, Http};

use crate::world::{World, number, other_token, path_of, token_of};

crate::on_both_databases!(
    wrong_tokens_are_counted_until_the_token_is_dead,
    a_new_token_does_not_reset_the_days_tries,
    an_expired_token_is_refused_and_costs_no_try,
    a_second_token_has_to_wait,
    a_token_is_taken_with_spaces_and_hyphens,
    a_customer_created_without_confirmation_is_confirmed_and_silent,
    an_update_that_changes_nothing_moves_nothing,
);

fn present(http: &Http, customer: &Value, token: &str) -> Answer {
    http.post(&format!("{}/confirm", path_of(customer)), &json!({"confirmation_token": token}))
}

fn generate(world: &World, customer: &Value) -> Answer {
    world.http.send("POST", &format!("{}/generate_confirmation", path_of(customer)), &[], "")
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn wrong_tokens_are_counted_until_the_token_is_dead(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let wrong = other_token(token_of(&customer));
    for remaining in (0..5).rev() {
        let answer = present(&world.http, &customer, &wrong);
        assert_eq!(code(&answer), problem(422, "confirmation_token_invalid"));
        assert_eq!(answer.json()["attempts_remaining"], remaining);
    }
    let dead = present(&world.http, &customer, token_of(&customer));
    assert_eq!(code(&dead), problem(429, "too_many_attempts"), "not even the right one");
    assert_eq!(dead.header("retry-after"), None, "waiting does not help: a new token does");
    let now = world.http.get(&path_of(&customer)).json();
    assert_eq!(now["updated_at"], customer["updated_at"], "wrong tries move nothing that callers see");
}

fn a_new_token_does_not_reset_the_days_tries(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CONFIRMATION_DAILY_ATTEMPTS", "6")]);
    let customer = world.create();
    let wrong = other_token(token_of(&customer));
    for _ in 0..5 {
        assert_eq!(present(&world.http, &customer, &wrong).status, 422);
    }
    assert_eq!(generate(&world, &customer).status, 201);
    let token = world.http.get(&path_of(&customer)).json()["confirmation_token"].as_str().unwrap().to_owned();
    let last = present(&world.http, &customer, &other_token(&token));
    assert_eq!(last.json()["attempts_remaining"], 0, "of the day, though four of the token are left");
    let locked = present(&world.http, &customer, &token);
    assert_eq!(code(&locked), problem(429, "too_many_attempts"));
    let wait: u32 = locked.header("retry-after").unwrap().parse().unwrap();
    assert!((86_300..=86_400).contains(&wait), "{wait}");
}

fn an_expired_token_is_refused_and_costs_no_try(kind: DatabaseKind) {
    let settings = [("CUSTOMERS_CONFIRMATION_TTL", "1ms"), ("CUSTOMERS_CONFIRMATION_GRACE", "0s")];
    let world = World::with(kind, &settings);
    let customer = world.create();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = present(&world.http, &customer, &other_token(token_of(&customer)));
        if code(&answer) == problem(422, "confirmation_token_expired") {
            break;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
    for _ in 0..7 {
        let answer = present(&world.http, &customer, &other_token(token_of(&customer)));
        assert_eq!(code(&answer), problem(422, "confirmation_token_expired"), "a dead token would be told first");
    }
}

fn a_second_token_has_to_wait(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "30s")]);
    let customer = world.create();
    let answer = generate(&world, &customer);
    assert_eq!(code(&answer), problem(429, "resend_too_soon"));
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(present(&world.http, &customer, token_of(&customer)).status, 200, "the old token still lives");
}

fn a_token_is_taken_with_spaces_and_hyphens(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let (first, last) = token_of(&customer).split_at(3);
    assert_eq!(present(&world.http, &customer, &format!(" {first}-{last} ")).status, 200);
}

fn a_customer_created_without_confirmation_is_confirmed_and_silent(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = json!({"unconfirmed_phone_number": number(), "country_code": "CA", "confirmation": false});
    let customer = world.http.post("/v1/customers", &body).json();
    assert_eq!(customer["phone_number"], customer["unconfirmed_phone_number"]);
    assert_eq!(customer["confirmation_token"], Value::Null);
    assert_eq!(customer["confirmed_at"], customer["created_at"]);
    assert_eq!(world.events(), Vec::<Value>::new());

    let body = json!({"unconfirmed_phone_number": number(), "country_code": "CA", "confirmation": null});
    let customer = world.http.post("/v1/customers", &body).json();
    assert_eq!(customer["phone_number"], Value::Null, "null is the default, which is to confirm");
}

fn an_update_that_changes_nothing_moves_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let path = path_of(&customer);
    let named = world.http.patch(&path, &json!({"first_name": " Yogi ", "email": "yogi@berra.com"})).json();
    assert_eq!(named["first_name"], "Yogi");
    let same = world.http.patch(&path, &json!({"first_name": "Yogi"})).json();
    assert_eq!(same, named);
    let cleared = world.http.patch(&path, &json!({"email": null})).json();
    assert_eq!((&cleared["email"], &cleared["first_name"]), (&Value::Null, &json!("Yogi")));
    assert!(cleared["updated_at"].as_str() >= named["updated_at"].as_str());
}
