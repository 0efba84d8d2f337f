//! Personal data and secrets, sent to every endpoint in every place of a request, stand in no line of the log.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, Answering, DatabaseKind, EventStream, Http, TestReceiver};

use crate::visitor::{LINKS, Visitor, links};
use crate::world::{SECRET_KEY, World, other_token, path_of, token_of};

crate::on_both_databases!(nothing_of_what_is_sent_is_in_the_log_as_text, nothing_of_what_is_sent_is_in_the_log_as_json,);

/// The operations, each with a body and the status of its answer, in an order in which all can be done. What is written as
/// a name with a colon stands for what an earlier answer said, see [`Told`]. `canary` is what nobody may find, nor the
/// digits of the numbers. Each line is sent once as it is, then in all that is wrong, see [`send_wrongly`].
const REQUESTS: &[(&str, &str, &str, u16)] = &[
    (
        "POST",
        "/v1/customers",
        r#"{"unconfirmed_phone_number": "(418) 581-0828", "country_code": "CA", "first_name": "Canary",
            "last_name": "Canary", "email": "canary@example.com"}"#,
        201,
    ),
    ("POST", "/v1/customers", r#"{"unconfirmed_phone_number": "+14185810828", "country_code": "CA"}"#, 409),
    (
        "POST",
        "/v1/customers/01a20a60-37c0-7716-be23-20dd56bd8f5a",
        r#"{"unconfirmed_phone_number": "418 581 0829", "country_code": "CA", "first_name": "Canary"}"#,
        201,
    ),
    ("POST", "/v1/customers/01a20a60-37c0-7716-be23-20dd56bd8f5a/generate_confirmation", "", 201),
    ("GET", ":customer", "", 200),
    ("HEAD", ":customer", "", 200),
    ("GET", "/v1/customers?phone_number=%2B14185810827&email=canary%40example.com&confirmed=false", "", 200),
    (
        "GET",
        "/v1/customers?phone_number=canary&email=canary&confirmed=canary&created_after=canary&after=canary",
        "",
        422,
    ),
    ("GET", ":customer/verification", "", 200),
    ("POST", ":customer/verification/unlock", "", 200),
    ("PATCH", ":customer", r#"{"first_name": "Canary the second"}"#, 200),
    ("PUT", ":customer", r#"{"last_name": "Canary the third", "email": "canary2@example.com"}"#, 200),
    ("PATCH", ":customer", r#"{"email": "canary at example", "first_name": "4242 4242 4242 4242"}"#, 422),
    ("POST", ":customer/confirm", r#"{"confirmation_token": ":wrong"}"#, 422),
    ("POST", ":customer/confirm", r#"{"confirmation_token": ":token"}"#, 200),
    ("POST", ":customer/phone_number", r#"{"unconfirmed_phone_number": "(418) 581-0824", "country_code": "CA"}"#, 200),
    ("POST", ":customer/phone_number", r#"{"unconfirmed_phone_number": "canary", "country_code": "canary"}"#, 422),
    ("DELETE", ":customer/phone_number", "", 204),
    ("PUT", ":customer/addresses/billing", ADDRESS, 200),
    ("PUT", ":customer/addresses/shipping", ADDRESS, 200),
    ("PUT", ":customer/addresses/shipping", r#"{"name": "Canary", "line1": "Canary", "country": "Canary"}"#, 422),
    ("GET", ":customer/addresses", "", 200),
    ("DELETE", ":customer/addresses/shipping", "", 204),
    ("GET", ":customer/card", "", 200),
    ("DELETE", ":customer/card", "", 204),
    ("GET", "/v1/events?limit=100", "", 200),
    ("GET", "/v1/events?after=canary&limit=canary&customer_id=canary&canary=canary", "", 422),
    ("GET", "/v1/events/stream?after=canary", "", 422),
    ("GET", "/v1/events/:event", "", 200),
    (
        "POST",
        "/v1/webhook_endpoints",
        r#"{"url": "https://canary.example.com/canary?key=canary", "event_types": ["verification"],
            "description": "Canary"}"#,
        201,
    ),
    (
        "POST",
        "/v1/webhook_endpoints",
        r#"{"url": "https://canary:canary@example.com/", "event_types": ["canary"]}"#,
        422,
    ),
    ("GET", "/v1/webhook_endpoints", "", 200),
    ("GET", ":endpoint", "", 200),
    ("PATCH", ":endpoint", r#"{"description": "Canary the second"}"#, 200),
    ("POST", ":endpoint/rotate_secret", "", 200),
    ("POST", ":endpoint/test", "", 200),
    ("GET", ":endpoint/deliveries", "", 200),
    ("GET", ":endpoint/deliveries?status=canary&after=canary", "", 422),
    ("POST", ":endpoint/deliveries/:delivery/redeliver", "", 202),
    ("POST", ":endpoint/replay", r#"{"since": "2026-11-25T00:00:00Z"}"#, 202),
    ("POST", ":endpoint/replay", r#"{"since": "canary"}"#, 422),
    ("GET", ":customer/export", "", 200),
    ("DELETE", "/v1/customers/01a20a60-37c0-7716-be23-20dd56bd8f5a", "", 204),
    ("DELETE", ":endpoint", "", 204),
    ("GET", "/l/:billing", "", 200),
    ("POST", "/l/:billing", "name=Canary&line1=Canary&form_token=canary", 403),
    ("GET", "/healthz", "", 200),
    ("HEAD", "/healthz", "", 200),
    ("GET", "/readyz", "", 200),
    ("HEAD", "/readyz", "", 200),
    ("POST", "/test-cards/setups/confirm", r#"{"client_secret": "canary", "token": "canary", "exp_month": 1}"#, 400),
    ("GET", "/canary", "", 404),
];

const ADDRESS: &str = r#"{"name": "Canary", "company": "Canary", "line1": "1 rue Canary", "line2": "Canary",
    "postal_code": "75007", "city": "Canary", "country": "FR"}"#;

/// What stands for what, and all that is found out on the way and is to be found in no log.
#[derive(Default)]
struct Told {
    names: Vec<(&'static str, String)>,
    secrets: Vec<String>,
}

impl Told {
    fn fill(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn secret(&mut self, secret: &str) {
        self.secrets.push(secret.trim_start_matches("whsec_").to_owned());
    }
}

/// Sends requests that have data in all headers that take any, and counts them.
struct Sender<'a> {
    http: &'a Http,
    sent: Cell<usize>,
}

impl Sender<'_> {
    fn send(&self, method: &str, path: &str, more: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.send_as(self.http, method, path, more, body)
    }

    fn send_as(
        &self,
        http: &Http,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        self.sent.set(self.sent.get() + 1);
        let once = format!("canary-{}", self.sent.get());
        let kind = if path.starts_with("/l/") { "application/x-www-form-urlencoded" } else { "application/json" };
        let headers = [
            ("Content-Type", kind),
            ("Idempotency-Key", once.as_str()),
            ("X-Request-Id", "canary@example.com"),
            ("User-Agent", "canary"),
            ("Referer", "https://canary.example.com/canary"),
            ("Cookie", "form=canary"),
            ("X-Forwarded-For", "canary"),
            ("Accept-Language", "canary"),
            ("Traceparent", "canary"),
        ];
        http.send(method, path, &[more, &headers].concat(), body.into())
    }
}

fn nothing_of_what_is_sent_is_in_the_log_as_text(kind: DatabaseKind) {
    nothing_of_what_is_sent_is_in_the_log(kind, "text");
}

fn nothing_of_what_is_sent_is_in_the_log_as_json(kind: DatabaseKind) {
    nothing_of_what_is_sent_is_in_the_log(kind, "json");
}

fn nothing_of_what_is_sent_is_in_the_log(kind: DatabaseKind, format: &str) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "trace"), ("CUSTOMERS_LOG_FORMAT", format)]);
    let receiver = TestReceiver::start();
    receiver.answer(Answering::StatusWith {
        status: 200,
        headers: vec![("x-said".to_owned(), "canary".to_owned())],
        body: "canary".to_owned(),
    });
    let mut told = told_by(&world, &receiver);
    let sender = Sender { http: &world.http, sent: Cell::new(0) };
    for &(method, path, body, status) in REQUESTS {
        let (path, body) = (told.fill(path), told.fill(body));
        let answer = sender.send(method, &path, &[], body.as_str());
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        if let Ok(Value::Object(answer)) = serde_json::from_str(&answer.text)
            && let Some(secret) = answer.get("secret").or(answer.get("confirmation_token")).and_then(Value::as_str)
        {
            told.secret(secret);
        }
        send_wrongly(&sender, &world.service.client(), method, &path, &body);
    }
    world.http.send("GET", "/healthz", &[("X-Request-Id", "the-last-one")], "");
    world.until_logged("the last request", |logs| logs.contains("the-last-one"));

    let logs = world.service.logs();
    // Each operation of the API was among them.
    let document: Value = world.service.client().get("/openapi.json").json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let route = path.split('/').map(|part| if part.starts_with('{') { ":" } else { part }).collect::<Vec<_>>();
            let is_sent = |(sent, at, ..): &(&str, &str, &str, u16)| *sent == method && is_at(&told.fill(at), &route);
            assert!(REQUESTS.iter().any(is_sent), "no request for {method} {path}");
        }
    }
    let lines = logs.lines().filter(|line| line.contains("duration_ms") && line.contains("route")).count();
    assert!(lines > sender.sent.get(), "{lines} lines of {} requests and those before", sender.sent.get());
    for line in logs.lines() {
        assert!(!line.to_lowercase().contains("canary"), "{line}");
        for secret in &told.secrets {
            assert!(!holds(line, secret), "{secret} is in the log: {line}");
        }
    }
}

/// Whether a request goes to a route, whose parts that are a colon stand for anything.
fn is_at(request: &str, route: &[&str]) -> bool {
    let parts: Vec<&str> = request.split('?').next().unwrap().split('/').collect();
    parts.len() == route.len() && parts.iter().zip(route).all(|(part, route)| *route == ":" || part == route)
}

/// The same request in all that can be wrong with one, with data in it. What is answered is not the question here.
fn send_wrongly(sender: &Sender, strangers: &Http, method: &str, path: &str, body: &str) {
    let place = path.split_once('?').map_or(path, |(place, _)| place);
    sender.send(method, &format!("{place}?canary=canary&limit=canary"), &[], body);
    sender.send(method, &format!("{place}/canary"), &[], body);
    sender.send(method, &format!("{}/canary", place.rsplit_once('/').unwrap().0), &[], body);
    sender.send("CANARY", place, &[], body);
    for key in ["Bearer ckey_canary", "Basic canary", "canary"] {
        sender.send_as(strangers, method, place, &[("Authorization", key)], body);
    }
    if place.ends_with("/stream") {
        // One that is not refused does not end.
        return;
    }
    for body in [
        br#"{"canary": "canary", "first_name": {"canary": "canary"}}"#.as_slice(),
        br#"{"first_name": "canary", "email": "canary@example.com"#,
        br#"["canary", "+14185810828"]"#,
        b"canary",
        b"{\"first_name\": \"canary\xff\"}",
    ] {
        sender.send(method, place, &[], body);
    }
    for wrong in [
        ("If-Match", "\"canary\", canary"),
        ("If-None-Match", "canary"),
        ("Idempotency-Key", "\"canary"),
        ("Last-Event-ID", "canary"),
        ("Content-Type", "canary/canary; charset=canary"),
        ("Content-Encoding", "canary"),
        ("Origin", "https://canary.example.com"),
    ] {
        sender.send(method, place, &[wrong], r#"{"first_name": "canary"}"#);
    }
}

/// Makes what the requests speak of, and does all that takes more than one request: a stream, the forms, a card.
fn told_by(world: &World, receiver: &TestReceiver) -> Told {
    let mut told = Told::default();
    for secret in [
        &world.key, SECRET_KEY, "5810827", "581-0827", "5810828", "581 0828", "581-0828", "5810829", "5810824",
        "581-0824",
    ] {
        told.secret(secret);
    }
    let endpoint = json!({
        "url": format!("{}/canary?key=canary", receiver.url()), "event_types": ["verification"],
        "description": "Canary",
    });
    let endpoint = world.http.post("/v1/webhook_endpoints", &endpoint).json();
    told.secret(endpoint["secret"].as_str().unwrap());
    let endpoint = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());

    let mut stream = EventStream::open(&world.http, "/v1/events/stream", &[]).unwrap();
    let body = json!({
        "unconfirmed_phone_number": "418-581-0827", "country_code": "CA", "first_name": "Canary",
        "last_name": "Canary", "email": "canary@example.com",
    });
    let customer = world.http.post("/v1/customers", &body).json();
    let event = stream.take(1, Duration::from_secs(15)).remove(0);
    assert!(event.data.contains("Canary"), "{event:?}");
    told.secret(token_of(&customer));
    let (path, token) = (path_of(&customer), token_of(&customer).to_owned());

    receiver.until_accepted(1, Duration::from_secs(15));
    let signature = receiver.requests()[0].header("webhook-signature").unwrap().trim_start_matches("v1,").to_owned();
    told.secret(&signature);
    let deliveries = world.http.get(&format!("{endpoint}/deliveries")).json();

    let [billing, shipping, card] = links(world, &path);
    for code in [&billing, &shipping, &card].map(|link| link.trim_start_matches("/l/")) {
        told.secret(code);
    }
    fill_in_forms(world, &mut told, &[&billing, &shipping], &card);
    // The card's link is used up by now, and another handed out.
    for url in LINKS.map(|name| world.http.get(&path).json()[name].as_str().unwrap().to_owned()) {
        told.secret(url.rsplit('/').next().unwrap());
    }
    told.names = vec![
        (":wrong", other_token(&token)),
        (":token", token),
        (":customer", path),
        (":event", event.id.unwrap()),
        (":endpoint", endpoint),
        (":delivery", deliveries[0]["id"].as_str().unwrap().to_owned()),
        (":billing", billing.trim_start_matches("/l/").to_owned()),
    ];
    told
}

/// What customers do on their pages.
fn fill_in_forms(world: &World, told: &mut Told, addresses: &[&str], card: &str) {
    let address = [("name", "Canary"), ("line1", "Canary"), ("postal_code", "75007"), ("city", "Canary")];
    for link in addresses {
        let visitor = Visitor::open(world, link);
        told.secret(&visitor.form_token);
        told.secret(visitor.cookie.split_once('=').unwrap().1);
        assert_eq!(visitor.post(&[&address[..], &[("country", "FR")]].concat()).status, 303);
        assert_eq!(visitor.post(&[&address[..], &[("country", "Canary"), ("canary", "canary")]].concat()).status, 422);
    }
    let visitor = Visitor::open(world, card);
    told.secret(&visitor.form_token);
    let begun = visitor.post(&[("action", "begin"), ("canary", "canary")]);
    let secret = begun.text.split("data-client-secret=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (number, status) in [("canary", 400), ("pm_card_visa", 200)] {
        let body = json!({"client_secret": secret, "token": number, "exp_month": 12, "exp_year": 2034});
        assert_eq!(world.service.client().post("/test-cards/setups/confirm", &body).status, status);
    }
    told.secret(&secret);
    assert_eq!(visitor.post(&[("action", "finish")]).status, 200);
}

/// Whether a line holds a secret: not within a longer word, and not the digits behind a point (of a time), where six
/// digits may stand that are a token's by chance.
fn holds(line: &str, secret: &str) -> bool {
    line.match_indices(secret).any(|(at, _)| {
        let (before, after) = (line[..at].chars().next_back(), line[at + secret.len()..].chars().next());
        let is_token = secret.len() == 6;
        !is_token
            || !(before.is_some_and(|c| c.is_alphanumeric() || c == '.') || after.is_some_and(char::is_alphanumeric))
    })
}
