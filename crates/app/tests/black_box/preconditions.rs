//! `ETag` and `If-Match`: who changes what he has read changes nothing else.

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::cards::with_test_card;
use crate::errors::{assert_fields, assert_problem};
use crate::world::{World, at_once, is_replayed, new_customer, number, other_token, path_of, post_once, token_of};

crate::on_both_databases!(
    each_answer_that_is_a_customer_bears_his_tag,
    a_stale_tag_stops_each_change_and_nothing_is_done,
    a_tag_that_fits_lets_each_change_through,
    of_many_ways_to_name_versions_those_that_fit_are_taken,
    what_is_no_tag_is_refused,
    the_tag_moves_with_what_can_be_seen_and_with_nothing_else,
    of_30_increments_at_once_none_is_lost,
    a_repeat_is_answered_whatever_version_it_names,
    who_is_not_there_has_no_version,
);

const STRANGER: &str = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";

fn tag_of(answer: &Answer) -> String {
    let tag = answer.header("etag").unwrap_or_else(|| panic!("no tag: {answer:?}")).to_owned();
    let version = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_else(|| panic!("{tag}"));
    assert!(version.parse::<u64>().is_ok(), "{tag}");
    tag
}

fn tag(world: &World, customer: &str) -> String {
    tag_of(&world.http.get(customer))
}

fn send(world: &World, change: &(&str, String, Value), if_match: &[&str]) -> Answer {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(if_match.iter().map(|value| ("If-Match", *value)));
    let body = if change.2.is_null() { String::new() } else { change.2.to_string() };
    world.http.send(change.0, &change.1, &headers, body)
}

/// A confirmed customer with all that can be changed: addresses, a card, a change of number that is pending.
fn full_customer(world: &World) -> Value {
    let customer = world.confirmed();
    let path = path_of(&customer);
    let address =
        json!({"line1": "Rua Augusta 1", "postal_code": "1100-048", "city": "Lisboa", "country": "PT", "name": "Yogi"});
    assert_eq!(world.http.send_json("PUT", &format!("{path}/addresses/billing"), &address).status, 200);
    with_test_card(world, &path);
    let changing = world.change_number(&customer, &number());
    assert_eq!(changing.status, 200, "{changing:?}");
    changing.json()
}

/// Each operation that takes `If-Match`, the one that ends all last.
fn changes(customer: &Value) -> Vec<(&'static str, String, Value)> {
    let path = path_of(customer);
    let address =
        json!({"line1": "Rua Augusta 2", "postal_code": "1100-048", "city": "Lisboa", "country": "PT", "name": "Yogi"});
    vec![
        ("PATCH", path.clone(), json!({"first_name": "Yogi"})),
        ("PUT", path.clone(), json!({"first_name": "Lorenzo"})),
        ("PUT", format!("{path}/addresses/billing"), address),
        ("DELETE", format!("{path}/addresses/billing"), Value::Null),
        ("DELETE", format!("{path}/card"), Value::Null),
        ("DELETE", format!("{path}/phone_number"), Value::Null),
        ("POST", format!("{path}/phone_number"), new_customer(&number())),
        ("POST", format!("{path}/generate_confirmation"), Value::Null),
        ("POST", format!("{path}/confirm"), json!({"confirmation_token": token_of(customer)})),
        ("DELETE", path, Value::Null),
    ]
}

/// All that is kept about him, but for times that go on by themselves.
fn all_of(world: &World, customer: &Value) -> Value {
    let answer = world.http.get(&format!("{}/export", path_of(customer)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn each_answer_that_is_a_customer_bears_his_tag(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = world.http.post("/v1/customers", &new_customer(&number()));
    let customer = created.json();
    let path = path_of(&customer);
    let first = tag_of(&created);
    let head = world.http.send("HEAD", &path, &[], "");
    assert_eq!((tag_of(&head), tag(&world, &path)), (first.clone(), first.clone()));
    assert_eq!(tag(&world, &path), first, "links move nothing");
    assert_eq!(tag_of(&world.client_with_scope("read").get(&path)), first);
    let mut before = first;
    let moves = |answer: &Answer, before: &mut String| {
        let now = tag_of(answer);
        assert_ne!(now, *before, "{answer:?}");
        assert_eq!(tag(&world, &path), now);
        *before = now;
    };
    moves(&world.http.patch(&path, &json!({"first_name": "Yogi"})), &mut before);
    moves(&world.http.send_json("PUT", &path, &json!({"first_name": "Lorenzo"})), &mut before);
    moves(&world.confirm(&customer), &mut before);
    moves(&world.change_number(&customer, &number()), &mut before);
    let own = world.http.post(STRANGER, &new_customer(&number()));
    assert_eq!(tag_of(&own), tag(&world, STRANGER));
    for answer in [world.http.get("/v1/events"), world.http.get(&format!("{path}/verification"))] {
        assert_eq!(answer.header("etag"), None, "it is no customer: {answer:?}");
    }
}

fn a_stale_tag_stops_each_change_and_nothing_is_done(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = full_customer(&world);
    let before = all_of(&world, &customer);
    for stale in ["\"1\"", "\"999\"", "\"1\", \"2\""] {
        for change in changes(&customer) {
            let refused = send(&world, &change, &[stale]);
            assert_problem(&refused, 412, "precondition_failed", &format!("{} {}", change.0, change.1));
        }
        // A token that is wrong for a version that is no more costs no try either.
        let wrong = json!({"confirmation_token": other_token(token_of(&customer))});
        let wrong = ("POST", format!("{}/confirm", path_of(&customer)), wrong);
        assert_problem(&send(&world, &wrong, &[stale]), 412, "precondition_failed", "a wrong token");
    }
    assert_eq!(all_of(&world, &customer), before);
}

fn a_tag_that_fits_lets_each_change_through(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = full_customer(&world);
    let path = path_of(&customer);
    for mut change in changes(&customer) {
        let before = world.http.get(&path);
        if change.1.ends_with("/confirm") {
            // The token of now.
            change.2 = json!({"confirmation_token": before.json()["confirmation_token"]});
        }
        let now = tag_of(&before);
        let stale = format!("\"{}\"", now.trim_matches('"').parse::<u64>().unwrap() - 1);
        assert_eq!(send(&world, &change, &[&stale]).status, 412, "{change:?}");
        let done = send(&world, &change, &[&now]);
        assert!((200..300).contains(&done.status), "{change:?}: {done:?}");
        if change.0 == "DELETE" && change.1 == path {
            assert_eq!(world.http.get(&path).status, 404);
        } else {
            assert_ne!(tag(&world, &path), now, "{change:?} is a change");
        }
    }
}

fn of_many_ways_to_name_versions_those_that_fit_are_taken(kind: DatabaseKind) {
    let world = World::start(kind);
    let path = path_of(&world.create());
    let mut count = 0;
    let mut update = |headers: &[String]| {
        count += 1;
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        send(&world, &("PATCH", path.clone(), json!({"first_name": format!("Yogi {count}")})), &headers).status
    };
    for with in ["T", " T ", "*", "\"0\", T", "T,\"0\"", "W/\"0\" ,\tT", "\"a,b\", T", "\"W/\", T", ",T,", "\"\",T"] {
        let headers = [with.replace('T', &tag(&world, &path))];
        assert_eq!(update(&headers), 200, "{headers:?}");
    }
    let now = tag(&world, &path);
    assert_eq!(update(&["\"0\"".to_owned(), now]), 200, "a list in two headers");
    let now = tag(&world, &path);
    let version = now.trim_matches('"').to_owned();
    for without in [
        format!("W/{now}"),
        format!("\"0{version}\""),
        format!("\"+{version}\""),
        format!("\"-{version}\""),
        format!("\"{version},{version}\""),
        format!("\"W/{version}\""),
        "\"99999999999999999999999\"".to_owned(),
        "\"\"".to_owned(),
        "\"*\"".to_owned(),
    ] {
        assert_eq!(update(std::slice::from_ref(&without)), 412, "{without}");
    }
    assert_eq!(tag(&world, &path), now);
}

fn what_is_no_tag_is_refused(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = full_customer(&world);
    let version = tag(&world, &path_of(&customer)).trim_matches('"').to_owned();
    let before = all_of(&world, &customer);
    for change in changes(&customer) {
        for malformed in
            [version.as_str(), "", "\"1", "1\"", "\"1\" \"2\"", "*, \"1\"", "w/\"1\"", "W/ \"1\"", "'1'", ",", "**"]
        {
            assert_fields(&send(&world, &change, &[malformed]), &[("If-Match", "invalid")]);
        }
        assert_fields(&send(&world, &change, &["*", "\"1\""]), &[("If-Match", "invalid")]);
    }
    assert_eq!(all_of(&world, &customer), before);
}

fn the_tag_moves_with_what_can_be_seen_and_with_nothing_else(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = test_support::TestReceiver::start();
    world.endpoint(&receiver.url());
    let customer = world.create();
    let path = path_of(&customer);
    let first = tag(&world, &path);
    let wrong = other_token(token_of(&customer));
    assert_eq!(world.confirm_with(&customer, &wrong).status, 422);
    assert_eq!(world.http.post(&format!("{path}/verification/unlock"), &json!({})).status, 200);
    assert_eq!(world.http.patch(&path, &json!({})).status, 200);
    assert_eq!(world.http.patch(&path, &json!({"first_name": null, "id": customer["id"]})).status, 200);
    assert_eq!(world.http.patch(&path, &json!({"email": "nobody"})).status, 422);
    let object = crate::world::until("the token is marked as sent", std::time::Duration::from_secs(15), || {
        Some(world.http.get(&path).json()).filter(|one| !one["confirmation_sent_at"].is_null())
    });
    assert_eq!(world.http.send_json("PUT", &path, &object).status, 200, "get, edit nothing, put");
    assert_eq!((tag(&world, &path), &object["updated_at"]), (first.clone(), &customer["updated_at"]));
    assert_eq!(world.events_of(&customer).len(), 1);
    // Another customer's changes are none of his.
    world.confirmed();
    assert_eq!(tag(&world, &path), first);

    let mut tags = vec![first];
    let generate = format!("{path}/generate_confirmation");
    assert_eq!(world.http.post(&generate, &json!({})).status, 201);
    tags.push(tag(&world, &path));
    let token = world.http.get(&path).json()["confirmation_token"].as_str().unwrap().to_owned();
    assert_eq!(world.confirm_with(&customer, &token).status, 200);
    tags.push(tag(&world, &path));
    assert_eq!(world.confirm_with(&customer, &token).status, 409);
    let address =
        json!({"line1": "Rua Augusta 1", "postal_code": "1100-048", "city": "Lisboa", "country": "PT", "name": "Yogi"});
    let billing = format!("{path}/addresses/billing");
    assert_eq!(world.http.send_json("PUT", &billing, &address).status, 200);
    tags.push(tag(&world, &path));
    assert_eq!(world.http.send_json("PUT", &billing, &address).status, 200);
    assert_eq!(&tag(&world, &path), tags.last().unwrap(), "the same address again");
    assert_eq!(world.delete(&billing).status, 204);
    tags.push(tag(&world, &path));
    assert_eq!(world.change_number(&customer, &number()).status, 200);
    tags.push(tag(&world, &path));
    assert_eq!(world.delete(&format!("{path}/phone_number")).status, 204);
    tags.push(tag(&world, &path));
    assert_eq!(world.delete(&format!("{path}/phone_number")).status, 404);
    assert_eq!(&tag(&world, &path), tags.last().unwrap());
    let mut versions: Vec<u64> = tags.iter().map(|tag| tag.trim_matches('"').parse().unwrap()).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    versions.dedup();
    assert_eq!(versions.len(), tags.len(), "no version is named twice: {tags:?}");
}

fn of_30_increments_at_once_none_is_lost(kind: DatabaseKind) {
    let world = World::start(kind);
    let path = path_of(&world.create());
    assert_eq!(world.http.patch(&path, &json!({"first_name": "0"})).status, 200);
    let refused: usize = at_once(30, |_| {
        let mut refused = 0;
        loop {
            let read = world.http.get(&path);
            let count: u32 = read.json()["first_name"].as_str().unwrap().parse().unwrap();
            let change = ("PATCH", path.clone(), json!({"first_name": (count + 1).to_string()}));
            let answer = send(&world, &change, &[read.header("etag").unwrap()]);
            match answer.status {
                200 => return refused,
                503 => {}
                _ => assert_problem(&answer, 412, "precondition_failed", "another was faster"),
            }
            refused += 1;
        }
    })
    .into_iter()
    .sum();
    assert!(refused > 0, "they got in each other's way");
    let object = world.http.get(&path);
    assert_eq!(object.json()["first_name"], "30");
    assert_eq!(object.header("etag"), Some("\"32\""));
    let customer = object.json();
    assert_eq!(world.events_of(&customer).len(), 32);
}

fn a_repeat_is_answered_whatever_version_it_names(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let confirm = format!("{}/confirm", path_of(&customer));
    let token = json!({"confirmation_token": token_of(&customer)}).to_string();
    let json = ("Content-Type", "application/json");
    let send = |headers: &[(&str, &str)]| world.http.send("POST", &confirm, headers, token.clone());
    let stale = send(&[json, ("Idempotency-Key", "k"), ("If-Match", "\"7\"")]);
    assert_problem(&stale, 412, "precondition_failed", "it was never of this version");
    let done = send(&[json, ("Idempotency-Key", "k"), ("If-Match", "\"1\"")]);
    assert_eq!((done.status, is_replayed(&done)), (200, false), "a refusal is not remembered: {done:?}");
    for again in [&[json, ("Idempotency-Key", "k"), ("If-Match", "\"1\"")][..], &[json, ("Idempotency-Key", "k")]] {
        let repeat = send(again);
        assert_eq!((repeat.status, is_replayed(&repeat), &repeat.text), (200, true, &done.text));
    }
    let refused =
        post_once(&world.http, &format!("{}/phone_number", path_of(&customer)), "k", &new_customer(&number()));
    assert_problem(&refused, 422, "idempotency_key_reused", "it is another request");
}

fn who_is_not_there_has_no_version(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut nobody = world.create();
    nobody["id"] = json!("fffd7e80-1691-41f5-8946-9deeaf0b8640");
    for change in changes(&nobody) {
        for if_match in ["*", "\"1\""] {
            let answer = send(&world, &change, &[if_match]);
            assert_problem(&answer, 404, "customer_not_found", &format!("{} {}", change.0, change.1));
        }
    }
}
