//! `GET /v1/customers`: finding customers, and reading all of them page by page.

use std::collections::HashSet;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::world::{OTHER_KEY, World, new_customer, next_page, number, path_of, token_of};

crate::on_both_databases!(
    customers_are_listed_newest_first_as_they_are_retrieved,
    a_number_is_found_in_any_spelling_confirmed_or_not,
    an_address_is_found_in_any_case,
    filters_combine_and_are_carried_to_the_next_page,
    links_lead_through_everybody_once_while_others_come,
    a_cursor_works_for_its_own_list_alone,
    cursors_outlive_a_change_of_the_secret_key,
    every_bad_parameter_is_named,
    a_read_key_sees_no_tokens_in_a_list,
    what_is_looked_for_is_in_no_log,
);

const LIST: &str = "/v1/customers";

fn list(world: &World, query: &str) -> Vec<Value> {
    let answer = world.http.get(&format!("{LIST}?{query}"));
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json().as_array().unwrap().clone()
}

fn ids(customers: &[Value]) -> Vec<&str> {
    customers.iter().map(|customer| customer["id"].as_str().unwrap()).collect()
}

fn create(world: &World, body: &Value) -> Value {
    let answer = world.http.post(LIST, body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// Each field of a refusal with its code.
fn refused(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid_parameters")), "{answer:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
}

fn customers_are_listed_newest_first_as_they_are_retrieved(kind: DatabaseKind) {
    let world = World::start(kind);
    let empty = world.http.get(LIST);
    assert_eq!((empty.status, empty.json(), empty.header("link")), (200, json!([]), None));
    assert_eq!(empty.header("cache-control"), Some("no-store"));
    let mut created: Vec<Value> = (0..25).map(|_| world.create()).collect();
    // Who has links is listed without.
    assert!(world.http.get(&path_of(&created[24])).json()["card_url"].is_string());
    created.sort_by_key(|customer| (customer["created_at"].to_string(), customer["id"].to_string()));
    created.reverse();
    let first = world.http.get(LIST);
    assert_eq!(first.json().as_array().unwrap()[..], created[..20], "the default limit");
    let second = world.http.get(&next_page(&first).unwrap());
    assert_eq!((second.json().as_array().unwrap()[..] == created[20..], next_page(&second)), (true, None));
    assert_eq!(list(&world, "limit=100"), created);

    let head = world.http.send("HEAD", LIST, &[], "");
    assert_eq!((head.status, head.header("allow")), (405, Some("GET, POST")), "as for events");
}

fn a_number_is_found_in_any_spelling_confirmed_or_not(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = create(&world, &new_customer("+14185810827"));
    let other = world.create();
    let id = customer["id"].as_str().unwrap();
    let spellings = [
        "phone_number=%2B14185810827",
        "phone_number=+14185810827",
        "phone_number=%2B1+(418)+581-0827",
        "phone_number=%EF%BC%8B14185810827",
        "phone_number=tel:%2B1-418-581-0827",
        "phone_number=(418)+581-0827&country_code=CA",
        "phone_number=1-418-581-0827&country_code=us",
        "phone_number=%2B14185810827&country_code=DE",
        "phone_number=0014185810827&country_code=DE",
        "country_code=CA&phone_number=418.581.0827",
    ];
    for spelling in spellings {
        assert_eq!(ids(&list(&world, spelling)), [id], "{spelling}");
    }
    let body = json!({"confirmation_token": token_of(&customer)});
    assert_eq!(world.http.post(&format!("{}/confirm", path_of(&customer)), &body).status, 200);
    for spelling in spellings {
        assert_eq!(ids(&list(&world, spelling)), [id], "{spelling}");
        assert_eq!(ids(&list(&world, &format!("{spelling}&confirmed=true"))), [id], "{spelling}");
        assert_eq!(list(&world, &format!("{spelling}&confirmed=false")).len(), 0, "{spelling}");
    }
    let others = other["unconfirmed_phone_number"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(ids(&list(&world, &format!("phone_number={others}"))), ids(&[other]));
    for nobody in ["phone_number=%2B14185810828", "phone_number=%2B4917", "phone_number=418&country_code=CA"] {
        assert_eq!(list(&world, nobody).len(), 0, "{nobody}");
    }
}

fn an_address_is_found_in_any_case(kind: DatabaseKind) {
    let world = World::start(kind);
    let with_email = |email: &str| {
        let mut body = new_customer(&number());
        body["email"] = json!(email);
        create(&world, &body)
    };
    let (one, two) = (with_email("Yogi+Bear@Berra.com"), with_email("ZO\u{cb}@berra.com"));
    let twin = with_email("yogi+bear@berra.com");
    for query in ["email=yogi%2Bbear@berra.com", "email=YOGI%2BBEAR%40BERRA.COM"] {
        assert_eq!(ids(&list(&world, query)), ids(&[twin.clone(), one.clone()]), "{query}");
    }
    for query in ["email=zo%C3%AB@berra.com", "email=Zo%C3%8B@Berra.Com"] {
        assert_eq!(ids(&list(&world, query)), ids(std::slice::from_ref(&two)), "{query}");
    }
    let json = [("Content-Type", "application/json")];
    assert_eq!(world.http.send("PATCH", &path_of(&two), &json, r#"{"email": "New@berra.com"}"#).status, 200);
    assert_eq!(list(&world, "email=zo%C3%AB@berra.com").len(), 0);
    assert_eq!(ids(&list(&world, "email=new@berra.com")), ids(&[two]));
}

fn filters_combine_and_are_carried_to_the_next_page(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut created = Vec::new();
    for place in 0..12 {
        let mut body = new_customer(&number());
        body["email"] = json!(if place % 3 == 0 { "Other@berra.com" } else { "Zo\u{eb}+1@berra.com" });
        body["confirmation"] = json!(place % 2 == 0);
        created.push(create(&world, &body));
    }
    let time = |place: usize| created[place]["created_at"].as_str().unwrap();
    // Times may be equal: the bounds are compared as the answer says.
    let (from, to) = (time(2), time(11));
    let mut expected: Vec<&Value> = created
        .iter()
        .filter(|one| one["email"] == "Zo\u{eb}+1@berra.com" && one["confirmed_at"].is_null())
        .filter(|one| one["created_at"].as_str().unwrap() >= from && one["created_at"].as_str().unwrap() < to)
        .collect();
    expected.sort_by_key(|one| (one["created_at"].to_string(), one["id"].to_string()));
    expected.reverse();
    let after = from.replace('Z', "%2B00:00");
    let query =
        format!("email=zo%C3%AB%2B1%40BERRA.com&confirmed=false&created_after={after}&created_before={to}&limit=1");
    let mut seen = Vec::new();
    let mut path = Some(format!("{LIST}?{query}"));
    while let Some(current) = path {
        let answer = world.http.get(&current);
        assert_eq!(answer.status, 200, "{current}: {answer:?}");
        seen.extend(answer.json().as_array().unwrap().clone());
        path = next_page(&answer);
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    assert!(seen.len() > 1, "{seen:?}");

    // What was created at a time is in the range that begins with it, and not in the one that ends with it.
    let first = time(0);
    assert!(list(&world, &format!("created_after={first}&limit=100")).contains(&created[0]));
    assert!(!list(&world, &format!("created_before={first}&limit=100")).contains(&created[0]));
    assert_eq!(list(&world, "created_after=2999-01-01T00:00:00Z").len(), 0);
}

fn links_lead_through_everybody_once_while_others_come(kind: DatabaseKind) {
    let world = World::start(kind);
    let there: HashSet<String> = (0..45).map(|_| world.create()["id"].to_string()).collect();
    let mut seen = HashSet::new();
    let mut path = Some(format!("{LIST}?limit=10"));
    let mut came = 0;
    while let Some(current) = path {
        let answer = world.http.get(&current);
        for customer in answer.json().as_array().unwrap() {
            assert!(seen.insert(customer["id"].to_string()), "nobody twice");
        }
        path = next_page(&answer);
        for _ in 0..3 {
            world.create();
            came += 1;
        }
    }
    assert!(there.is_subset(&seen) && came >= 15, "{came} came");
    // Whoever came is newer than all who were there, and so before the page that was read first.
    assert_eq!(seen.len(), 45);
}

/// The cursor in a link.
fn cursor(answer: &Answer) -> String {
    let path = next_page(answer).unwrap();
    path.split_once("after=").unwrap().1.split('&').next().unwrap().to_owned()
}

fn a_cursor_works_for_its_own_list_alone(kind: DatabaseKind) {
    let world = World::start(kind);
    for _ in 0..3 {
        world.create();
    }
    let first = world.http.get(&format!("{LIST}?limit=1&confirmed=false"));
    let after = cursor(&first);
    let with = |query: &str| world.http.get(&format!("{LIST}?{query}"));
    assert_eq!(with(&format!("confirmed=false&after={after}")).json().as_array().unwrap().len(), 2);
    assert_eq!(with(&format!("confirmed=false&limit=1&after={after}")).status, 200, "another limit is the same list");
    let last = if after.ends_with('A') { 'B' } else { 'A' };
    let tampered = format!("{}{last}", &after[..after.len() - 1]);
    let other_filters = [
        "",
        "confirmed=true",
        "confirmed=false&email=a@b.example",
        "confirmed=false&created_after=2000-01-01T00:00:00Z",
    ];
    for query in other_filters.map(|filters| format!("{filters}&after={after}")).into_iter().chain(
        [tampered, String::new(), "evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e".to_owned(), "%FF%00".to_owned()]
            .map(|garbage| format!("confirmed=false&after={garbage}")),
    ) {
        let answer = with(query.trim_start_matches('&'));
        assert_eq!(refused(&answer), [("after".to_owned(), "invalid".to_owned())], "{query}");
    }
    // Another installation's.
    let other = World::with(kind, &[("CUSTOMERS_SECRET_KEY", OTHER_KEY)]);
    let answer = other.http.get(&format!("{LIST}?confirmed=false&after={after}"));
    assert_eq!(refused(&answer), [("after".to_owned(), "invalid".to_owned())]);
}

fn cursors_outlive_a_change_of_the_secret_key(kind: DatabaseKind) {
    let mut world = World::start(kind);
    for _ in 0..3 {
        world.create();
    }
    let first = world.http.get(&format!("{LIST}?limit=1"));
    let path = next_page(&first).unwrap();
    let second = world.http.get(&path).json();
    world.service.kill();
    world.rotate_secret(OTHER_KEY);
    world.start_again();
    let again = world.http.get(&path);
    assert_eq!((again.status, again.json()), (200, second));
    let path = next_page(&again).unwrap();
    world.service.kill();
    world.forget_previous_secret();
    world.start_again();
    assert_eq!(world.http.get(&path).status, 200, "it was signed by the new key");
    assert_eq!(refused(&world.http.get(&next_page(&first).unwrap()))[0].0, "after");
}

fn every_bad_parameter_is_named(kind: DatabaseKind) {
    let world = World::start(kind);
    for (query, errors) in [
        ("confirmed=yes", vec![("confirmed", "invalid")]),
        ("confirmed=", vec![("confirmed", "invalid")]),
        ("confirmed=true&confirmed=true", vec![("confirmed", "invalid")]),
        ("limit=0", vec![("limit", "invalid")]),
        ("limit=101", vec![("limit", "invalid")]),
        ("created_after=yesterday", vec![("created_after", "invalid")]),
        ("created_before=2026-11-25", vec![("created_before", "invalid")]),
        ("created_before=2026-11-25T08:00:00+01:00", vec![("created_before", "invalid")]),
        ("email=", vec![("email", "invalid")]),
        ("email=yogi", vec![("email", "invalid")]),
        ("email=yogi+bear@berra.com", vec![("email", "invalid")]),
        ("phone_number=", vec![("phone_number", "invalid")]),
        ("phone_number=nobody", vec![("phone_number", "invalid")]),
        ("phone_number=%2B1418581082712345678", vec![("phone_number", "too_long")]),
        ("phone_number=%2B9994185810827", vec![("phone_number", "unknown_calling_code")]),
        ("phone_number=%2B14185810827x5", vec![("phone_number", "extension")]),
        ("phone_number=(418)+581-0827", vec![("country_code", "missing")]),
        ("phone_number=0014185810827", vec![("country_code", "missing")]),
        ("phone_number=+14185810827&country_code=CA", vec![("phone_number", "invalid")]),
        ("phone_number=4185810827&country_code=ZZ", vec![("country_code", "invalid")]),
        ("country_code=CA", vec![("country_code", "invalid")]),
        ("offset=20", vec![("offset", "unknown")]),
        ("Email=a@b.example", vec![("Email", "unknown")]),
        (
            "page=2&limit=x&confirmed=1&email=x&phone_number=x&created_after=x",
            vec![
                ("phone_number", "invalid"),
                ("email", "invalid"),
                ("confirmed", "invalid"),
                ("created_after", "invalid"),
                ("limit", "invalid"),
                ("page", "unknown"),
            ],
        ),
    ] {
        let answer = world.http.get(&format!("{LIST}?{query}"));
        let errors: Vec<_> = errors.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
        assert_eq!(refused(&answer), errors, "{query}");
    }
    let national = world.http.get(&format!("{LIST}?phone_number=4185810827")).json();
    let detail = national["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("country_code is required") && detail.contains("%2B"), "{detail}");
    assert_eq!(world.http.with_key("ckey_nobody").get(LIST).status, 401);
}

fn a_read_key_sees_no_tokens_in_a_list(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let reader = world.client_with_scope("read");
    for query in ["", "?confirmed=false"] {
        let answer = reader.get(&format!("{LIST}{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.text.contains(token_of(&customer)), "{}", answer.text);
        let mut expected = customer.clone();
        expected["confirmation_token"] = Value::Null;
        assert_eq!(answer.json(), json!([expected]));
    }
    assert_eq!(list(&world, ""), [customer], "a key that may write sees them");
}

fn what_is_looked_for_is_in_no_log(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "trace")]);
    let mut body = new_customer("+14185810827");
    body["email"] = json!("yogi@berra.example");
    create(&world, &body);
    assert_eq!(list(&world, "phone_number=%2B14185810827&email=YOGI@berra.example").len(), 1);
    assert_eq!(world.http.get(&format!("{LIST}?phone_number=4185810827&email=yogi")).status, 422);
    world.until_logged("the second request", |log| log.contains("422"));
    let log = world.service.logs().to_lowercase();
    for secret in ["4185810827", "yogi", "berra"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
