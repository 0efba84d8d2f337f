//! `/v1/customers/{customer_id}/phone_number`: a customer gets another number, or does not after all.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind, TestReceiver};

use crate::errors::{assert_fields, assert_problem};
use crate::visitor::{assert_page, links};
use crate::world::{World, at_once, new_customer, number, other_token, path_of, token_of, until};

crate::on_both_databases!(
    a_confirmed_customer_keeps_his_number_until_the_other_one_is_proved,
    both_numbers_are_taken_until_one_of_them_is_given_up,
    an_unconfirmed_customers_number_is_corrected,
    a_number_is_taken_on_the_callers_word,
    a_change_is_withdrawn,
    what_is_his_already_is_no_change,
    a_change_of_mind_while_a_change_is_pending,
    links_die_when_the_number_becomes_another_and_not_before,
    tries_count_over_the_change,
    a_change_is_no_way_around_the_pause_between_tokens,
    a_change_that_waits_for_too_long_is_no_change,
    an_overdue_change_holds_no_number_even_before_it_is_swept_up,
    all_that_is_wrong_is_told_at_once_and_only_of_who_is_there,
    a_key_that_reads_changes_no_number,
    a_receiver_sees_each_step_in_order,
    of_two_who_want_one_number_one_gets_it,
    whatever_races_no_number_is_held_twice_or_lost,
);

const SOON: Duration = Duration::from_mins(1);
const STRANGER: &str = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";

fn number_of(customer: &Value) -> &str {
    customer["unconfirmed_phone_number"].as_str().unwrap()
}

fn get(world: &World, customer: &Value) -> Value {
    let mut object = world.http.get(&path_of(customer)).json();
    for link in crate::visitor::LINKS {
        object[link] = Value::Null;
    }
    object
}

fn changed(world: &World, customer: &Value, number: &str) -> Value {
    let answer = world.change_number(customer, number);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn withdraw(world: &World, customer: &Value) -> Answer {
    world.delete(&format!("{}/phone_number", path_of(customer)))
}

fn trust(world: &World, customer: &Value, number: &str) -> Answer {
    let mut body = new_customer(number);
    body["confirmation"] = json!(false);
    world.http.post(&format!("{}/phone_number", path_of(customer)), &body)
}

/// Whether somebody else can have a number: tries it out, and leaves it free.
fn is_free(world: &World, number: &str) -> bool {
    let answer = world.http.post("/v1/customers", &new_customer(number));
    match answer.status {
        201 => assert_eq!(world.delete(&path_of(&answer.json())).status, 204),
        _ => assert_problem(&answer, 409, "phone_number_taken", number),
    }
    answer.status == 201
}

fn a_confirmed_customer_keeps_his_number_until_the_other_one_is_proved(kind: DatabaseKind) {
    let world = World::start(kind);
    let before = world.confirmed();
    let changing = world.http.post(
        &format!("{}/phone_number", path_of(&before)),
        &json!({"unconfirmed_phone_number": "01 42 68 53 00", "country_code": "fr", "confirmation": true}),
    );
    assert_eq!((changing.status, changing.header("cache-control")), (200, Some("no-store")), "{changing:?}");
    let changing = changing.json();
    let mut expected = before.clone();
    expected["unconfirmed_phone_number"] = json!("+33142685300");
    expected["confirmation_token"] = changing["confirmation_token"].clone();
    expected["updated_at"] = changing["updated_at"].clone();
    assert_eq!(changing, expected, "the number, its country and its proof stay");
    assert_eq!(get(&world, &before), changing);
    let event = world.events_of(&before).pop().unwrap();
    let data = &event["data"];
    assert_eq!(
        (&event["type"], &data["status"], &data["reason"]),
        (&json!("verification"), &json!("pending"), &json!("regenerated"))
    );
    assert_eq!((&data["confirmation_token"], &data["customer"]), (&changing["confirmation_token"], &changing));
    assert!(data["expires_at"].as_str() > event["timestamp"].as_str());
    let verification = world.http.get(&format!("{}/verification", path_of(&before))).json();
    assert_eq!((&verification["status"], &verification["expires_at"]), (&json!("pending"), &data["expires_at"]));

    // A token of the number that is his already confirms nothing.
    if token_of(&before) != token_of(&changing) {
        assert_problem(&world.confirm(&before), 422, "confirmation_token_invalid", "it is the old one");
    }
    let confirmed = world.confirm(&changing);
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let confirmed = confirmed.json();
    let mut expected = changing.clone();
    for member in ["phone_number", "unconfirmed_phone_number"] {
        expected[member] = json!("+33142685300");
    }
    expected["country_code"] = json!("FR");
    for member in ["confirmed_at", "updated_at"] {
        expected[member] = confirmed[member].clone();
    }
    assert_eq!(confirmed, expected);
    assert!(confirmed["confirmed_at"].as_str() > before["confirmed_at"].as_str());
    let event = world.events_of(&before).pop().unwrap();
    assert_eq!((&event["data"]["status"], &event["data"]["customer"]), (&json!("confirmed"), &confirmed));
    assert_problem(&world.confirm(&changing), 409, "already_confirmed", "nothing is pending");
    assert_eq!(world.events_of(&before).len(), 4);
}

fn both_numbers_are_taken_until_one_of_them_is_given_up(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let (old, new) = (number_of(&customer), number());
    let changing = changed(&world, &customer, &new);
    for taken in [old, &new] {
        let refused = world.http.post("/v1/customers", &new_customer(taken));
        assert_problem(&refused, 409, "phone_number_taken", taken);
        assert_eq!(refused.json()["existing_customer_id"], customer["id"]);
        let is_confirmed = taken == old;
        assert_eq!(refused.json()["existing_customer_confirmed"], is_confirmed, "{taken}");
        let other = world.create();
        assert_problem(&world.change_number(&other, taken), 409, "phone_number_taken", taken);
        let national = json!({"unconfirmed_phone_number": taken.replace("+1", "(") .replacen("418", "418) ", 1), "country_code": "CA"});
        let path = format!("{}/phone_number", path_of(&other));
        assert_problem(&world.http.post(&path, &national), 409, "phone_number_taken", "it is spelled otherwise");
        assert_problem(&trust(&world, &other, taken), 409, "phone_number_taken", "a word frees no number");
    }
    assert_eq!(world.confirm(&changing).status, 200);
    assert!(is_free(&world, old), "the old one is free at once");
    assert!(!is_free(&world, &new));
    // And back again.
    let back = changed(&world, &customer, old);
    assert!(!is_free(&world, old) && !is_free(&world, &new));
    assert_eq!(withdraw(&world, &customer).status, 204);
    assert!(is_free(&world, old) && !is_free(&world, &new));
    assert_eq!(back["phone_number"], json!(new));
}

fn an_unconfirmed_customers_number_is_corrected(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let new = number();
    let corrected = changed(&world, &customer, &new);
    let mut expected = customer.clone();
    expected["unconfirmed_phone_number"] = json!(new);
    for member in ["confirmation_token", "updated_at"] {
        expected[member] = corrected[member].clone();
    }
    assert_eq!(corrected, expected);
    assert!(is_free(&world, number_of(&customer)), "nobody holds what nobody proved");
    assert_problem(&withdraw(&world, &customer), 404, "pending_phone_number_not_found", "no other number waits");
    if token_of(&customer) != token_of(&corrected) {
        assert_problem(&world.confirm(&customer), 422, "confirmation_token_invalid", "it was the wrong number's");
    }
    let confirmed = world.confirm(&corrected).json();
    assert_eq!((&confirmed["phone_number"], &confirmed["unconfirmed_phone_number"]), (&json!(new), &json!(new)));
    let told: Vec<Value> =
        world.events_of(&customer).iter().map(|event| json!([event["type"], event["data"]["reason"]])).collect();
    let expected = ["created", "regenerated", "confirmed"].map(|reason| json!(["verification", reason]));
    assert_eq!(told, expected);
}

fn a_number_is_taken_on_the_callers_word(kind: DatabaseKind) {
    let world = World::start(kind);
    let [confirmed, unconfirmed, changing] = [world.confirmed(), world.create(), world.confirmed()];
    let waiting = number();
    let pending = changed(&world, &changing, &waiting);
    for customer in [&confirmed, &unconfirmed, &pending] {
        let new = number();
        let answer = trust(&world, customer, &new);
        assert_eq!(answer.status, 200, "{answer:?}");
        let object = answer.json();
        for member in ["phone_number", "unconfirmed_phone_number"] {
            assert_eq!(object[member], new.as_str());
        }
        for member in ["confirmation_token", "confirmation_sent_at"] {
            assert_eq!(object[member], Value::Null, "{member}: no token proved it");
        }
        assert_eq!(object["confirmed_at"], object["updated_at"]);
        assert_eq!(get(&world, customer), object);
        let event = world.events_of(customer).pop().unwrap();
        assert_eq!((&event["type"], &event["data"]["customer"]), (&json!("customer.updated"), &object));
        assert_eq!(event["data"]["changed"], json!(["phone_number", "unconfirmed_phone_number"]));
        assert!(is_free(&world, number_of(customer)));
        assert_problem(&world.confirm_with(customer, "000000"), 409, "already_confirmed", "nothing is pending");
        assert_problem(&withdraw(&world, customer), 404, "pending_phone_number_not_found", "nothing is pending");
        let verification = world.http.get(&format!("{}/verification", path_of(customer))).json();
        assert_eq!(verification["status"], "confirmed");
    }
    assert!(is_free(&world, &waiting) && is_free(&world, changing["phone_number"].as_str().unwrap()));
    let path = format!("{}/phone_number", path_of(&confirmed));
    let french = json!({"unconfirmed_phone_number": "+33142685300", "country_code": "FR", "confirmation": false});
    assert_eq!(world.http.post(&path, &french).json()["country_code"], "FR");
    let changed = world.events_of(&confirmed).pop().unwrap()["data"]["changed"].clone();
    let changed: BTreeSet<&str> = changed.as_array().unwrap().iter().map(|member| member.as_str().unwrap()).collect();
    assert_eq!(changed, BTreeSet::from(["country_code", "phone_number", "unconfirmed_phone_number"]));
}

fn a_change_is_withdrawn(kind: DatabaseKind) {
    let world = World::start(kind);
    let before = world.confirmed();
    let path = path_of(&before);
    assert_problem(&withdraw(&world, &before), 404, "pending_phone_number_not_found", "nothing is pending");
    let new = number();
    let changing = changed(&world, &before, &new);
    let withdrawn = withdraw(&world, &before);
    assert_eq!((withdrawn.status, withdrawn.text.as_str()), (204, ""), "{withdrawn:?}");
    let after = get(&world, &before);
    let mut expected = before.clone();
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected, "as it was, token and all");
    assert!(after["updated_at"].as_str() >= changing["updated_at"].as_str());
    let event = world.events_of(&before).pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["changed"]),
        (&json!("customer.updated"), &json!(["unconfirmed_phone_number"]))
    );
    assert_eq!(event["data"]["customer"], after);
    assert_problem(&world.confirm(&changing), 409, "already_confirmed", "nothing is pending");
    let generate = world.http.post(&format!("{path}/generate_confirmation"), &json!({}));
    assert_problem(&generate, 409, "already_confirmed", "nothing is pending");
    assert_problem(&withdraw(&world, &before), 404, "pending_phone_number_not_found", "it was withdrawn");
    assert!(is_free(&world, &new));
    assert_eq!(world.http.get(&format!("{path}/verification")).json()["status"], "confirmed");
    assert_eq!(world.events_of(&before).len(), 4);
}

fn what_is_his_already_is_no_change(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let old = number_of(&customer).to_owned();
    let tag = |world: &World| world.http.get(&path_of(&customer)).header("etag").unwrap().to_owned();
    for _ in 0..2 {
        let before = tag(&world);
        assert_problem(&world.change_number(&customer, &old), 409, "already_confirmed", "it is his");
        assert_problem(&trust(&world, &customer, &old), 409, "already_confirmed", "it is his");
        let national = json!({"unconfirmed_phone_number": &old[2..], "country_code": "CA"});
        let answer = world.http.post(&format!("{}/phone_number", path_of(&customer)), &national);
        assert_problem(&answer, 409, "already_confirmed", "it is spelled otherwise");
        assert_eq!(tag(&world), before);
        // Again while another one is pending.
        changed(&world, &customer, &number());
    }
}

fn a_change_of_mind_while_a_change_is_pending(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let (first, second) = (number(), number());
    let changing = changed(&world, &customer, &first);
    let again = changed(&world, &customer, &first);
    assert_eq!(number_of(&again), first);
    let other = changed(&world, &customer, &second);
    assert!(is_free(&world, &first), "what is not wanted any more is free at once");
    for old in [&changing, &again] {
        if token_of(old) != token_of(&other) {
            assert_eq!(world.confirm(old).status, 422, "a token is for its number");
        }
    }
    let generated = world.http.post(&format!("{}/generate_confirmation", path_of(&customer)), &json!({}));
    assert_eq!(generated.status, 201, "{generated:?}");
    let object = get(&world, &customer);
    assert_eq!((number_of(&object), &object["phone_number"]), (second.as_str(), &customer["phone_number"]));
    let confirmed = world.confirm(&object).json();
    assert_eq!(confirmed["phone_number"], second.as_str());
    assert_eq!(world.events_of(&customer).len(), 7);
}

fn links_die_when_the_number_becomes_another_and_not_before(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let path = path_of(&customer);
    let before = links(&world, &path);
    changed(&world, &customer, &number());
    let anyone = world.service.client();
    for link in &before {
        assert_page(&anyone.get(link), 200);
    }
    assert_eq!(links(&world, &path), before);
    assert_eq!(withdraw(&world, &customer).status, 204);
    assert_page(&anyone.get(&before[0]), 200);
    let changing = changed(&world, &customer, &number());
    assert_eq!(world.confirm(&changing).status, 200);
    for link in &before {
        assert_page(&anyone.get(link), 410);
    }
    let after = links(&world, &path);
    for (new, old) in after.iter().zip(&before) {
        assert_ne!(new, old);
        assert_page(&anyone.get(new), 200);
    }
    assert_eq!(trust(&world, &customer, &number()).status, 200);
    for link in &after {
        assert_page(&anyone.get(link), 410);
    }
}

fn tries_count_over_the_change(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let wrong = |of: &Value| world.confirm_with(of, &other_token(token_of(of)));
    let remaining = |answer: &Answer| answer.json()["attempts_remaining"].as_u64();
    // Five for each token, ten a day.
    let first = changed(&world, &customer, &number());
    let left: Vec<Option<u64>> = (0..5).map(|_| remaining(&wrong(&first))).collect();
    assert_eq!(left, [4, 3, 2, 1, 0].map(Some));
    assert_problem(&wrong(&first), 429, "too_many_attempts", "the token is dead");
    assert_problem(&world.confirm(&first), 429, "too_many_attempts", "the token is dead, whoever knows it");
    let second = changed(&world, &customer, &number());
    let left: Vec<Option<u64>> = (0..5).map(|_| remaining(&wrong(&second))).collect();
    assert_eq!(left, [4, 3, 2, 1, 0].map(Some));
    let third = changed(&world, &customer, &number());
    let refused = world.confirm(&third);
    assert_problem(&refused, 429, "too_many_attempts", "ten were wrong today");
    assert!(refused.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok_and(|after| after > 80_000)));
    assert_eq!(withdraw(&world, &customer).status, 204, "what is his stays his");
    assert_eq!(get(&world, &customer)["phone_number"], customer["phone_number"]);
}

fn a_change_is_no_way_around_the_pause_between_tokens(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_CONFIRMATION_RESEND_INTERVAL", "30s")]);
    for customer in [world.confirmed(), world.create()] {
        let before = get(&world, &customer);
        for _ in 0..2 {
            let refused = world.change_number(&customer, &number());
            assert_problem(&refused, 429, "resend_too_soon", "a token was just made");
            let wait = refused.header("retry-after").and_then(|after| after.parse::<u32>().ok());
            assert!(wait.is_some_and(|wait| (1..=30).contains(&wait)), "{refused:?}");
        }
        assert_eq!(get(&world, &customer), before);
        // A word needs no token.
        assert_eq!(trust(&world, &customer, &number()).status, 200);
        let refused = world.change_number(&customer, &number());
        assert_problem(&refused, 429, "resend_too_soon", "a word brings no token nearer");
    }
    // What cannot be had at all is told first, so that nobody waits for it.
    let (mine, others) = (world.confirmed(), world.confirmed());
    let refused = world.change_number(&mine, number_of(&mine));
    assert_problem(&refused, 409, "already_confirmed", "it is his");
    assert!(matches!(world.change_number(&mine, number_of(&others)).status, 409 | 429));
}

fn a_change_that_waits_for_too_long_is_no_change(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_PENDING_NUMBER_TTL", "1s")]);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    let before = world.confirmed();
    let new = number();
    let changing = changed(&world, &before, &new);
    let after = until("the old number is shown again", SOON, || {
        Some(get(&world, &before)).filter(|object| object["unconfirmed_phone_number"] == before["phone_number"])
    });
    let mut expected = before.clone();
    expected["updated_at"] = after["updated_at"].clone();
    expected["confirmation_sent_at"] = after["confirmation_sent_at"].clone();
    assert_eq!(after, expected);
    assert_problem(&world.confirm(&changing), 409, "already_confirmed", "it waited for too long");
    assert_problem(&withdraw(&world, &before), 404, "pending_phone_number_not_found", "it waited for too long");
    assert!(is_free(&world, &new));
    let is_told = |event: &Value| {
        event["type"] == "customer.updated" && event["data"]["changed"] == json!(["unconfirmed_phone_number"])
    };
    receiver.until("the withdrawal is told", SOON, |requests| requests.iter().any(|one| is_told(&one.json())));
    let event = world.events_of(&before).pop().unwrap();
    assert!(is_told(&event) && world.events_of(&before).len() == 4, "{event}");
    // A word takes no heed of it.
    assert_eq!(trust(&world, &before, &number()).status, 200);
}

fn an_overdue_change_holds_no_number_even_before_it_is_swept_up(kind: DatabaseKind) {
    // With a day for a change it is swept once a minute, and this takes less than that.
    let world = World::start(kind);
    let overdue = match kind {
        DatabaseKind::Sqlite => "UPDATE customers SET change_requested_at = change_requested_at - 86400000",
        DatabaseKind::Postgresql => "UPDATE customers SET change_requested_at = change_requested_at - interval '24 h'",
    };
    let [created, corrected, changed_to, trusted, read, listed] = [(); 6].map(|()| (world.confirmed(), number()));
    for (holder, wanted) in [&created, &corrected, &changed_to, &trusted, &read, &listed] {
        changed(&world, holder, wanted);
    }
    world.database.execute(overdue);
    let takes = |(holder, wanted): &(Value, String), answer: Answer| {
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        assert_eq!(number_of(&answer.json()), wanted);
        let last = world.events_of(holder).pop().unwrap();
        assert_eq!(last["data"]["changed"], json!(["unconfirmed_phone_number"]), "{last}");
        assert_eq!(get(&world, holder)["unconfirmed_phone_number"], holder["phone_number"]);
        assert_eq!(world.events_of(holder).len(), 4);
    };
    takes(&created, world.http.post("/v1/customers", &new_customer(&created.1)));
    takes(&corrected, world.change_number(&world.create(), &corrected.1));
    takes(&changed_to, world.change_number(&world.confirmed(), &changed_to.1));
    takes(&trusted, trust(&world, &world.confirmed(), &trusted.1));
    assert_eq!(get(&world, &read.0)["unconfirmed_phone_number"], read.0["phone_number"], "it is shown at once");
    let verification = world.http.get(&format!("{}/verification", path_of(&read.0))).json();
    assert_eq!(verification["status"], "confirmed");
    assert!(is_free(&world, &read.1));
    let found = |number: &str| world.http.get(&format!("/v1/customers?phone_number=%2B{}", &number[1..])).json();
    assert_eq!(found(&listed.1), json!([]), "nobody holds it");
    let found = found(listed.0["phone_number"].as_str().unwrap());
    assert_eq!(found[0]["unconfirmed_phone_number"], listed.0["phone_number"], "{found}");
    // He may ask for it once more.
    changed(&world, &read.0, &read.1);
    assert_consistent(&world);
}

fn all_that_is_wrong_is_told_at_once_and_only_of_who_is_there(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_PHONE_VALIDATION", "possible")]);
    let customer = world.confirmed();
    let path = format!("{}/phone_number", path_of(&customer));
    for (body, wrong) in [
        (json!({}), vec![("country_code", "missing"), ("unconfirmed_phone_number", "missing")]),
        (
            json!({"unconfirmed_phone_number": 7, "country_code": ["CA"], "confirmation": "no", "phone_number": "+14185810000", "x": 1}),
            vec![
                ("confirmation", "wrong_type"),
                ("country_code", "wrong_type"),
                ("phone_number", "unknown"),
                ("unconfirmed_phone_number", "wrong_type"),
                ("x", "unknown"),
            ],
        ),
        (
            json!({"unconfirmed_phone_number": "911", "country_code": "CA"}),
            vec![("unconfirmed_phone_number", "too_short")],
        ),
        (json!({"unconfirmed_phone_number": "4185810827", "country_code": "ZZ"}), vec![("country_code", "invalid")]),
        (
            json!({"unconfirmed_phone_number": "+1 418 581 0827 ext 5", "country_code": "CA"}),
            vec![("unconfirmed_phone_number", "extension")],
        ),
    ] {
        assert_fields(&world.http.post(&path, &body), &wrong);
        let nobody = world.http.post(&format!("{STRANGER}/phone_number"), &body);
        assert_problem(&nobody, 404, "customer_not_found", "nobody is there");
    }
    for body in ["", "[]", "{", "7"] {
        let refused = world.http.send("POST", &path, &[("Content-Type", "application/json")], body);
        assert_problem(&refused, 400, "malformed_request", body);
    }
    assert_problem(
        &world.http.post(&format!("{STRANGER}/phone_number"), &new_customer(&number())),
        404,
        "customer_not_found",
        "nobody is there",
    );
    assert_problem(&world.delete(&format!("{STRANGER}/phone_number")), 404, "customer_not_found", "nobody is there");
    assert_problem(
        &world.http.post("/v1/customers/7/phone_number", &json!({})),
        404,
        "customer_not_found",
        "it is no id",
    );
    for method in ["GET", "PUT", "PATCH"] {
        let refused = world.http.send(method, &path, &[], "");
        assert_problem(&refused, 405, "method_not_allowed", method);
        assert_eq!(refused.header("allow"), Some("POST, DELETE"));
    }
    assert_eq!(world.events_of(&customer).len(), 2);
    let null = json!({"unconfirmed_phone_number": number(), "country_code": "CA", "confirmation": null});
    assert_ne!(world.http.post(&path, &null).json()["unconfirmed_phone_number"], customer["phone_number"]);
}

fn a_key_that_reads_changes_no_number(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let changing = changed(&world, &customer, &number());
    let reader = world.client_with_scope("read");
    let path = format!("{}/phone_number", path_of(&customer));
    for body in [new_customer(&number()), json!({})] {
        assert_problem(&reader.post(&path, &body), 403, "forbidden", "the key reads");
    }
    assert_problem(&reader.send("DELETE", &path, &[], ""), 403, "forbidden", "the key reads");
    let seen = reader.get(&path_of(&customer));
    assert_eq!(seen.json()["unconfirmed_phone_number"], changing["unconfirmed_phone_number"]);
    assert_eq!(seen.json()["confirmation_token"], Value::Null);
    assert_eq!(get(&world, &customer), changing);
}

fn a_receiver_sees_each_step_in_order(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    let customer = world.confirmed();
    let changing = changed(&world, &customer, &number());
    let sent = until("the new token is marked as sent", SOON, || {
        Some(get(&world, &customer)).filter(|object| !object["confirmation_sent_at"].is_null())
    });
    assert_eq!(
        (&sent["confirmation_token"], &sent["updated_at"]),
        (&changing["confirmation_token"], &changing["updated_at"])
    );
    assert_eq!(withdraw(&world, &customer).status, 204);
    let changing = changed(&world, &customer, &number());
    assert_eq!(changing["confirmation_sent_at"], Value::Null, "this one is not sent yet");
    assert_eq!(world.confirm(&changing).status, 200);
    assert_eq!(trust(&world, &customer, &number()).status, 200);
    receiver.until_accepted(7, SOON);
    let seen: Vec<Value> = receiver
        .accepted()
        .iter()
        .map(|request| {
            let event = request.json();
            json!([event["data"]["sequence"], event["type"], event["data"]["status"]])
        })
        .collect();
    let (verification, updated) = ("verification", "customer.updated");
    let expected = [
        json!([1, verification, "pending"]),
        json!([2, verification, "confirmed"]),
        json!([3, verification, "pending"]),
        json!([4, updated, null]),
        json!([5, verification, "pending"]),
        json!([6, verification, "confirmed"]),
        json!([7, updated, null]),
    ];
    assert_eq!(seen, expected);
}

fn of_two_who_want_one_number_one_gets_it(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    let customers: Vec<Value> =
        (0..8).map(|which| if which < 4 { world.confirmed() } else { world.create() }).collect();
    for round in 0..4 {
        let wanted = number();
        let answers = at_once(10, |which| match customers.get(which) {
            Some(customer) => {
                clients[which % 2].post(&format!("{}/phone_number", path_of(customer)), &new_customer(&wanted))
            }
            None => clients[which % 2].post("/v1/customers", &new_customer(&wanted)),
        });
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status < 300).collect();
        let [won] = won[..] else { panic!("round {round}: {answers:?}") };
        for lost in answers.iter().filter(|answer| answer.status >= 300) {
            assert_problem(lost, 409, "phone_number_taken", "another was faster");
            assert_eq!(lost.json()["existing_customer_id"], won.json()["id"]);
        }
    }
    for customer in &customers {
        world.events_of(customer);
    }
    assert_consistent(&world);
}

/// What always holds between customers and the numbers that they hold.
fn assert_consistent(world: &World) {
    for wrong in [
        "SELECT phone_number FROM phone_number_claims WHERE customer_id NOT IN (SELECT id FROM customers)",
        "SELECT phone_number FROM phone_number_claims GROUP BY phone_number HAVING count(*) > 1",
        "SELECT id FROM customers WHERE unconfirmed_phone_number IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \
         phone_number_claims AS c WHERE c.customer_id = customers.id AND c.phone_number = unconfirmed_phone_number)",
        "SELECT id FROM customers WHERE phone_number IS NOT NULL AND NOT EXISTS (SELECT 1 FROM phone_number_claims AS c \
         WHERE c.customer_id = customers.id AND c.phone_number = customers.phone_number)",
        "SELECT c.phone_number FROM phone_number_claims AS c JOIN customers ON customers.id = c.customer_id WHERE \
         c.phone_number <> unconfirmed_phone_number AND c.phone_number <> coalesce(customers.phone_number, '')",
    ] {
        assert_eq!(world.database.count(wrong), 0, "{wrong}");
    }
}

fn whatever_races_no_number_is_held_twice_or_lost(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    for round in 0..8 {
        let [first, second] = [world.confirmed(), world.confirmed()];
        let numbers = [number(), number()];
        let changing = changed(&world, &first, &numbers[0]);
        let [path, others] = [&first, &second].map(path_of);
        let answers = at_once(10, |which| {
            let http = &clients[which % 2];
            let change = |path: &str, number: &str| http.post(&format!("{path}/phone_number"), &new_customer(number));
            match which {
                0 => http.post(&format!("{path}/confirm"), &json!({"confirmation_token": token_of(&changing)})),
                1 => http.send("DELETE", &format!("{path}/phone_number"), &[], ""),
                2 => change(&path, &numbers[1]),
                3 | 4 => change(&others, &numbers[which - 3]),
                5 => http.post("/v1/customers", &new_customer(&numbers[0])),
                6 => change(&path, &numbers[0]),
                7 => http.post(&format!("{path}/generate_confirmation"), &json!({})),
                8 => http.post("/v1/customers", &new_customer(number_of(&first))),
                _ if round % 2 == 0 => http.send("DELETE", &path, &[], ""),
                _ => http.patch(&path, &json!({"first_name": "Yogi"})),
            }
        });
        for answer in &answers {
            assert!(answer.status < 500, "{answer:?}");
            assert!(matches!(answer.status, 200 | 201 | 204 | 404 | 409 | 422), "{answer:?}");
        }
        for customer in [&first, &second] {
            let events = world.events_of(customer);
            let object = world.http.get(&path_of(customer));
            let last = events.last().unwrap();
            if object.status == 404 {
                assert_eq!(last["type"], "customer.erased");
            } else {
                let told = &last["data"]["customer"];
                let object = get(&world, customer);
                for member in ["phone_number", "unconfirmed_phone_number", "confirmation_token", "updated_at"] {
                    assert_eq!(told[member], object[member], "{member}: {answers:?}");
                }
            }
        }
        assert_consistent(&world);
    }
    let held = "SELECT phone_number FROM customers WHERE phone_number IS NOT NULL";
    let distinct = "SELECT DISTINCT phone_number FROM customers WHERE phone_number IS NOT NULL";
    assert_eq!(world.database.count(held), world.database.count(distinct));
}
