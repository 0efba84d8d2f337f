//! Every row of the table of errors, provoked over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::world::{World, new_customer, number, path_of};

crate::on_both_databases!(
    every_error_is_a_problem_document_with_its_status_and_code,
    all_bad_fields_are_named_at_once,
    an_update_names_what_it_cannot_change,
    a_taken_number_tells_whose_it_is_in_any_spelling,
    a_taken_id_is_refused_even_with_a_free_number,
    a_sane_request_id_is_kept_and_another_replaced,
    a_damaged_row_is_an_internal_error_that_tells_nothing,
    a_body_that_does_not_come_is_answered_408,
    a_body_that_nobody_reads_ends_with_the_connection,
);

const JSON: (&str, &str) = ("Content-Type", "application/json");
const STRANGER: &str = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";

struct Row {
    when: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn row(
    when: &'static str,
    method: &'static str,
    path: &str,
    body: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
) -> Row {
    let headers = vec![(JSON.0, JSON.1.to_owned())];
    Row { when, method, path: path.to_owned(), headers, body: body.into(), status, code }
}

fn with(mut row: Row, name: &'static str, value: &str) -> Row {
    row.headers.retain(|(other, _)| *other != name);
    row.headers.push((name, value.to_owned()));
    row
}

/// What is wrong with the request itself.
fn wrong_requests(unconfirmed: &str) -> Vec<Row> {
    let create = "/v1/customers";
    let good = new_customer("+14185819999").to_string();
    let confirm = |customer: &str| format!("{customer}/confirm");
    vec![
        row("the body is not JSON", "POST", create, "{", 400, "malformed_request"),
        row("the body is not UTF-8", "POST", create, b"{\"first_name\": \"\xff\"}".to_vec(), 400, "malformed_request"),
        row("the body is no object", "POST", create, "[]", 400, "malformed_request"),
        row("the body nests too deep", "POST", create, "[".repeat(60_000), 400, "malformed_request"),
        row("there is no body", "POST", create, "", 400, "malformed_request"),
        row("there is no body to confirm", "POST", &confirm(unconfirmed), "", 400, "malformed_request"),
        row("the route is unknown", "GET", "/v1/nothing", "", 404, "route_not_found"),
        row("the route is outside of the API", "GET", "/", "", 404, "route_not_found"),
        row("the method is another", "DELETE", "/v1/events", "", 405, "method_not_allowed"),
        row("health is written", "POST", "/healthz", "", 405, "method_not_allowed"),
        row("the body is too large", "POST", create, "x".repeat(65_537), 413, "payload_too_large"),
        with(
            row("the body is a form", "POST", create, good.clone(), 415, "unsupported_media_type"),
            JSON.0,
            "application/x-www-form-urlencoded",
        ),
        with(
            row("the body is compressed", "POST", create, good.clone(), 415, "unsupported_media_type"),
            "Content-Encoding",
            "gzip",
        ),
        with(
            row("the headers are too large", "GET", STRANGER, "", 431, "headers_too_large"),
            "X-Filler",
            &"x".repeat(17_000),
        ),
    ]
}

/// What is wrong with the key.
fn wrong_keys(unconfirmed: &str, read_key: &str) -> Vec<Row> {
    let create = "/v1/customers";
    let good = new_customer("+14185819999").to_string();
    let confirm = |customer: &str| format!("{customer}/confirm");
    let token = r#"{"confirmation_token": "123456"}"#;
    vec![
        with(row("the key is unknown", "GET", STRANGER, "", 401, "unauthorized"), "Authorization", "Bearer ckey_x"),
        with(row("the scheme is another", "GET", STRANGER, "", 401, "unauthorized"), "Authorization", "Basic eDp5"),
        with(row("the key is empty", "GET", STRANGER, "", 401, "unauthorized"), "Authorization", "Bearer "),
        with(row("a read key creates", "POST", create, good.clone(), 403, "forbidden"), "Authorization", read_key),
        with(row("a read key sends nonsense", "POST", create, "{", 403, "forbidden"), "Authorization", read_key),
        with(row("a read key updates", "PATCH", unconfirmed, "{}", 403, "forbidden"), "Authorization", read_key),
        with(
            row("a read key confirms", "POST", &confirm(unconfirmed), token, 403, "forbidden"),
            "Authorization",
            read_key,
        ),
    ]
}

/// What is wrong with what is asked for.
fn wrong_wishes(confirmed: &str, unconfirmed: &str, endpoint: &str) -> Vec<Row> {
    let create = "/v1/customers";
    let redeliver = format!("{endpoint}/deliveries/7/redeliver");
    let good = new_customer("+14185819999").to_string();
    let confirm = |customer: &str| format!("{customer}/confirm");
    let token = r#"{"confirmation_token": "123456"}"#;
    vec![
        row("the customer is unknown", "GET", STRANGER, "", 404, "customer_not_found"),
        row("an unknown customer is updated", "PATCH", STRANGER, "{}", 404, "customer_not_found"),
        row("an unknown customer is confirmed", "POST", &confirm(STRANGER), token, 404, "customer_not_found"),
        row("the event is unknown", "GET", "/v1/events/7", "", 404, "event_not_found"),
        row("the endpoint is unknown", "GET", "/v1/webhook_endpoints/7", "", 404, "webhook_endpoint_not_found"),
        row("the delivery is unknown", "POST", &redeliver, "", 404, "delivery_not_found"),
        row("the id is no UUID", "GET", "/v1/customers/6243c9", "", 404, "customer_not_found"),
        row(
            "the id is a UUID in another spelling",
            "GET",
            "/v1/customers/fffd7e80169141f589469deeaf0b8640",
            "",
            404,
            "customer_not_found",
        ),
        row("one creates under what is no UUID", "POST", "/v1/customers/yogi", good.clone(), 404, "customer_not_found"),
        row("the customer is confirmed", "POST", &confirm(confirmed), token, 409, "already_confirmed"),
        row("a parameter is bad", "POST", create, "{}", 422, "invalid_parameters"),
        row(
            "the token is a number",
            "POST",
            &confirm(unconfirmed),
            r#"{"confirmation_token": 123456}"#,
            422,
            "invalid_parameters",
        ),
        row(
            "the token is no six digits",
            "POST",
            &confirm(unconfirmed),
            r#"{"confirmation_token": "12345"}"#,
            422,
            "invalid_parameters",
        ),
        row(
            "the token is empty",
            "POST",
            &confirm(unconfirmed),
            r#"{"confirmation_token": ""}"#,
            422,
            "invalid_parameters",
        ),
        row("there is no token", "POST", &confirm(unconfirmed), "{}", 422, "invalid_parameters"),
        row("a stranger presents no token", "POST", &confirm(STRANGER), "{}", 404, "customer_not_found"),
        row("a confirmed customer presents no token", "POST", &confirm(confirmed), "{}", 409, "already_confirmed"),
        row(
            "generating gets parameters",
            "POST",
            &format!("{unconfirmed}/generate_confirmation"),
            r#"{"x": 1}"#,
            422,
            "invalid_parameters",
        ),
        row("the limit is above 100", "GET", "/v1/events?limit=101", "", 422, "invalid_parameters"),
        row("the limit is 0", "GET", "/v1/events?limit=0", "", 422, "invalid_parameters"),
        row(
            "the event is unknown",
            "GET",
            "/v1/events?after=evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e",
            "",
            422,
            "invalid_parameters",
        ),
        row("the event is no event's id", "GET", "/v1/events?after=1", "", 422, "invalid_parameters"),
        row("a query parameter is unknown", "GET", "/v1/events?page=2", "", 422, "invalid_parameters"),
        row("the event of a stream is unknown", "GET", "/v1/events/stream?after=1", "", 422, "invalid_parameters"),
        row("an endpoint has no URL", "POST", "/v1/webhook_endpoints", "{}", 422, "invalid_parameters"),
    ]
}

fn every_error_is_a_problem_document_with_its_status_and_code(kind: DatabaseKind) {
    let world = World::start(kind);
    let confirmed = world.http.post(
        "/v1/customers",
        &json!({
            "unconfirmed_phone_number": number(), "country_code": "CA", "confirmation": false,
        }),
    );
    let (confirmed, unconfirmed) = (path_of(&confirmed.json()), path_of(&world.create()));
    let read_key = world.run(&["keys", "create", "--name", "reader", "--scope", "read"]).stdout;
    let read_key = format!("Bearer {}", read_key.trim());
    let anonymous = world.service.client();
    let endpoint = json!({"url": "https://bot.example.com/", "event_types": ["verification"]});
    let endpoint = world.http.post("/v1/webhook_endpoints", &endpoint).json()["id"].as_str().unwrap().to_owned();
    let rows = [
        wrong_requests(&unconfirmed),
        wrong_keys(&unconfirmed, &read_key),
        wrong_wishes(&confirmed, &unconfirmed, &format!("/v1/webhook_endpoints/{endpoint}")),
    ];
    for row in rows.into_iter().flatten() {
        let own_key = row.headers.iter().any(|(name, _)| *name == "Authorization");
        let client = if own_key { &anonymous } else { &world.http };
        let headers: Vec<(&str, &str)> = row.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = client.send(row.method, &row.path, &headers, row.body);
        assert_problem(&answer, row.status, row.code, row.when);
        if row.status == 405 {
            assert!(answer.header("allow").is_some_and(|allow| allow.starts_with("GET")), "{}", row.when);
        }
        if row.status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{}", row.when);
        }
    }
    assert_problem(&anonymous.get(STRANGER), 401, "unauthorized", "there is no key");
}

fn a_damaged_row_is_an_internal_error_that_tells_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    world.database.execute("UPDATE customers SET country_code = '??'");
    let answer = world.http.get(&path_of(&customer));
    assert_problem(&answer, 500, "internal_error", "a row was damaged");
    assert!(!answer.text.contains("country_code"), "{}", answer.text);
    let id = answer.header("x-request-id").unwrap();
    let told = |line: &str| line.contains(id) && line.contains("country_code");
    world.until_logged("the reason under the request's id", |logs| logs.lines().any(told));
}

fn a_body_that_does_not_come_is_answered_408(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{",
        world.key
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = vec![0; 4096];
    let read = connection.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"request_timeout\""), "{answer}");
}

fn a_body_that_nobody_reads_ends_with_the_connection(kind: DatabaseKind) {
    let world = World::deployed(kind, &[]);
    for (path, status) in [("/v1/customers", 401), ("/test-cards/setups/confirm", 404), ("/l/abcdefGHIJ12", 404)] {
        let mut connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap_or_else(|error| panic!("{path} is not closed: {error}"));
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str, when: &str) {
    assert_eq!(answer.status, status, "when {when}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "when {when}");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "when {when}");
    assert_eq!(problem["type"], format!("/errors/{code}"), "when {when}");
    assert_eq!(problem["status"], status, "when {when}");
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| text.len() > 10), "when {when}: {problem}");
    }
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "when {when}");
    assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()), "when {when}");
}

fn field_codes(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}")).clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut fields: Vec<_> = errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect();
    fields.sort();
    fields
}

pub(crate) fn assert_fields(answer: &Answer, expected: &[(&str, &str)]) {
    assert_problem(answer, 422, "invalid_parameters", "fields are bad");
    let expected: Vec<_> = expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
    assert_eq!(field_codes(answer), expected);
}

fn all_bad_fields_are_named_at_once(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_PHONE_VALIDATION", "possible")]);
    assert_fields(
        &world.http.post("/v1/customers", &json!({})),
        &[("country_code", "missing"), ("unconfirmed_phone_number", "missing")],
    );
    let body = json!({
        "unconfirmed_phone_number": "333-333-333", "country_code": "us", "confirmation": "yes", "email": "nobody",
        "first_name": "x".repeat(256), "last_name": 7, "phone_number": "+14185810827", "nickname": "Yogi",
    });
    assert_fields(
        &world.http.post("/v1/customers", &body),
        &[
            ("confirmation", "wrong_type"),
            ("email", "invalid"),
            ("first_name", "too_long"),
            ("last_name", "wrong_type"),
            ("nickname", "unknown"),
            ("phone_number", "unknown"),
            ("unconfirmed_phone_number", "too_short"),
        ],
    );
    let body = json!({"unconfirmed_phone_number": "+14185810827", "country_code": "ZZ"});
    assert_fields(&world.http.post("/v1/customers", &body), &[("country_code", "invalid")]);
    assert_eq!(world.events(), Vec::<Value>::new(), "what was refused has left nothing");
}

fn an_update_names_what_it_cannot_change(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let path = path_of(&customer);
    let same = world.http.send_json("PUT", &path, &customer);
    assert_eq!((same.status, same.json()), (200, customer.clone()), "what was got can be put");
    let body = json!({
        "id": "01936d2f-0000-7000-8000-000000000000", "phone_number": "+14185810000", "unconfirmed_phone_number": null,
        "country_code": "FR", "email": 7, "first_name": "Yogi", "card_url": 5, "confirmation": true,
    });
    assert_fields(
        &world.http.patch(&path, &body),
        &[
            ("confirmation", "unknown"),
            ("country_code", "read_only"),
            ("email", "wrong_type"),
            ("id", "read_only"),
            ("phone_number", "read_only"),
            ("unconfirmed_phone_number", "read_only"),
        ],
    );
    assert_eq!(world.http.get(&path).json()["first_name"], Value::Null, "a refused update changes nothing");
}

fn a_taken_number_tells_whose_it_is_in_any_spelling(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = json!({"unconfirmed_phone_number": "(418) 581-0827", "country_code": "CA", "confirmation": false});
    let holder = world.http.post("/v1/customers", &body).json();
    for (spelling, country) in [("+14185810827", "CA"), ("418 581 0827", "us"), ("+1 (418) 581-0827", "FR")] {
        let body = json!({"unconfirmed_phone_number": spelling, "country_code": country});
        let answer = world.http.post("/v1/customers", &body);
        assert_problem(&answer, 409, "phone_number_taken", spelling);
        assert_eq!(answer.json()["existing_customer_id"], holder["id"]);
        assert_eq!(answer.json()["existing_customer_confirmed"], true);
    }
}

fn a_taken_id_is_refused_even_with_a_free_number(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let path = path_of(&customer);
    let free = world.http.post(&path, &new_customer(&number()));
    assert_problem(&free, 409, "customer_id_taken", "the number is free");
    let same = world.http.post(&path, &new_customer(customer["unconfirmed_phone_number"].as_str().unwrap()));
    assert_problem(&same, 409, "customer_id_taken", "the number is his");
}

fn a_sane_request_id_is_kept_and_another_replaced(kind: DatabaseKind) {
    let world = World::start(kind);
    let send = |id: &str| world.http.send("GET", "/healthz", &[("X-Request-Id", id)], "");
    let id_of = |answer: &Answer| answer.header("x-request-id").unwrap().to_owned();
    assert_eq!(id_of(&send("order-17.retry_2")), "order-17.retry_2");
    for id in ["", "a b", "x;y", &"x".repeat(129)] {
        let answered = id_of(&send(id));
        assert_ne!(answered, id);
        assert_eq!(answered.len(), 36, "{answered}");
    }
}
