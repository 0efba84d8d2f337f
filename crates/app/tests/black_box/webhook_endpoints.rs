//! Webhook endpoints as a caller sees them. What is sent to them is the business of other files.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, Received, TestReceiver};

use crate::errors::{assert_fields, assert_problem};
use crate::world::{OTHER_KEY, World, until};

crate::on_both_databases!(
    an_endpoint_is_made_and_its_secret_shown_this_once,
    all_that_is_wrong_with_a_new_endpoint_is_named_at_once,
    a_url_that_events_are_not_sent_to_is_refused,
    each_member_is_changed_alone,
    an_update_that_is_wrong_changes_nothing,
    an_endpoint_is_disabled_and_enabled,
    a_deleted_endpoint_is_not_found,
    what_is_no_endpoint_is_not_found,
    a_new_secret_signs_beside_the_old_one_until_its_day_is_over,
    endpoint_secrets_survive_a_new_secret_key,
    a_test_says_what_came_of_it,
    a_ping_is_an_event_that_is_stored_nowhere,
    a_read_key_sees_endpoints_and_changes_none,
    other_methods_are_told_which_there_are,
    there_may_be_a_hundred_endpoints,
);

const PATH: &str = "/v1/webhook_endpoints";
const UNKNOWN: &str = "we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e";
const SOON: Duration = Duration::from_mins(1);

/// Neither loopback nor anything else that is not public.
const PUBLIC_ONLY: [(&str, &str); 1] = [("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS", "")];

fn new_endpoint(url: &str) -> Value {
    json!({"url": url, "event_types": ["verification"]})
}

fn create(world: &World, url: &str) -> Value {
    let answer = world.http.post(PATH, &new_endpoint(url));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn path_of(endpoint: &Value) -> String {
    format!("{PATH}/{}", endpoint["id"].as_str().unwrap())
}

fn without_secret(endpoint: &Value) -> Value {
    let mut endpoint = endpoint.clone();
    assert!(endpoint.as_object_mut().unwrap().shift_remove("secret").is_some(), "it was shown");
    endpoint
}

/// The secret in an answer: `whsec_` and 32 bytes in base64.
fn secret_of(endpoint: &Value) -> &str {
    let secret = endpoint["secret"].as_str().unwrap();
    let bytes = secret.strip_prefix("whsec_").unwrap();
    assert!(bytes.len() == 44 && bytes.ends_with('=') && !bytes.ends_with("=="), "32 bytes: {secret}");
    assert!(bytes[..43].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte)), "{secret}");
    secret
}

fn an_endpoint_is_made_and_its_secret_shown_this_once(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = json!({
        "url": "HTTPS://Bot.Example.com:443/events hook?key=a", "event_types": ["verification", "verification"],
        "description": "  The bot \u{e9}t\u{e9} ",
    });
    let answer = world.http.post(PATH, &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    assert_eq!(answer.header("location"), Some(path_of(&made).as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let members: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "id",
            "url",
            "event_types",
            "description",
            "disabled",
            "disabled_at",
            "disabled_reason",
            "failing_since",
            "created_at",
            "updated_at",
            "secret"
        ]
    );
    assert!(made["id"].as_str().is_some_and(|id| id.starts_with("we_") && id.len() == 35), "{made}");
    assert_eq!(made["url"], "https://bot.example.com/events%20hook?key=a", "in its normal form");
    assert_eq!(made["event_types"], json!(["verification"]), "each once");
    assert_eq!(made["description"], "The bot été");
    assert_eq!(made["disabled"], false);
    for none in ["disabled_at", "disabled_reason", "failing_since"] {
        assert_eq!(made[none], Value::Null, "{none}");
    }
    assert_eq!(made["created_at"], made["updated_at"]);

    let other = create(&world, "https://other.example.com/");
    assert_eq!(other["description"], Value::Null);
    assert_ne!(secret_of(&made), secret_of(&other));
    let shown = [without_secret(&made), without_secret(&other)];
    let list = world.http.get(PATH);
    assert_eq!((list.status, list.json()), (200, json!(shown)), "in the order of their making");
    let one = world.http.get(&path_of(&made));
    assert_eq!((one.status, one.json()), (200, shown[0].clone()));
    let patched = world.http.patch(&path_of(&made), &json!({"description": null}));
    for answer in [list, one, patched] {
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

fn all_that_is_wrong_with_a_new_endpoint_is_named_at_once(kind: DatabaseKind) {
    let world = World::with(kind, &PUBLIC_ONLY);
    let url = "https://bot.example.com/";
    let good = ["verification"];
    for (body, wrong) in [
        (json!({}), vec![("event_types", "missing"), ("url", "missing")]),
        (json!({"url": null, "event_types": null}), vec![("event_types", "missing"), ("url", "missing")]),
        (
            json!({"url": 7, "event_types": "verification", "description": ["x"], "secret": "whsec_x", "disabled": true}),
            vec![
                ("description", "wrong_type"),
                ("disabled", "unknown"),
                ("event_types", "wrong_type"),
                ("secret", "unknown"),
                ("url", "wrong_type"),
            ],
        ),
        (
            json!({"url": "ftp://x", "event_types": [], "description": "a\u{7}b"}),
            vec![("description", "invalid"), ("event_types", "invalid"), ("url", "invalid")],
        ),
        (json!({"url": url, "event_types": ["verification", "nothing"]}), vec![("event_types", "invalid")]),
        (json!({"url": url, "event_types": ["Verification"]}), vec![("event_types", "invalid")]),
        (json!({"url": url, "event_types": ["ping"]}), vec![("event_types", "invalid")]),
        (json!({"url": url, "event_types": ["verification", 7]}), vec![("event_types", "wrong_type")]),
        (json!({"url": url, "event_types": {"verification": true}}), vec![("event_types", "wrong_type")]),
        (json!({"url": url, "event_types": good, "description": "é".repeat(256)}), vec![("description", "too_long")]),
        (json!({"url": url, "event_types": good, "description": " "}), vec![("description", "invalid")]),
        (json!({"url": format!("{url}{}", "x".repeat(2048)), "event_types": good}), vec![("url", "too_long")]),
    ] {
        assert_fields(&world.http.post(PATH, &body), &wrong);
    }
    assert_problem(&world.http.send("POST", PATH, &[], ""), 400, "malformed_request", "there is no body");
    assert_eq!(world.http.get(PATH).json(), json!([]), "what was refused has left nothing");
    let body = json!({"url": url, "event_types": good, "description": "é".repeat(255)});
    assert_eq!(world.http.post(PATH, &body).status, 201, "characters are counted, not bytes");
}

fn a_url_that_events_are_not_sent_to_is_refused(kind: DatabaseKind) {
    let strict = World::with(kind, &PUBLIC_ONLY);
    for url in [
        "",
        "bot.example.com",
        "/events",
        "//bot.example.com/",
        "ftp://bot.example.com/",
        "mailto:bot@example.com",
        "http://bot.example.com/",
        "http://93.184.216.34/",
        "https://",
        "https://exa mple.com/",
        "https://user@bot.example.com/",
        "https://user:password@bot.example.com/",
        "https://:password@bot.example.com/",
        "https://bot.example.com/#part",
        "https://bot.example.com:0/",
        "https://bot.example.com:65536/",
        "https://bot.example.com/\u{7}",
        "https://bot.example.com/\n",
        // Not public, in every spelling.
        "https://localhost/",
        "https://bot.localhost./",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::]/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fc00::1]/",
        "https://[fe80::1]/",
        "https://[ff02::1]/",
    ] {
        let answer = strict.http.post(PATH, &new_endpoint(url));
        assert_eq!(answer.status, 422, "{url:?}: {answer:?}");
        assert_fields(&answer, &[("url", "invalid")]);
        assert!(!answer.text.contains("password@"), "{}", answer.text);
    }
    let detail = strict.http.post(PATH, &new_endpoint("https://10.0.0.1/")).json()["errors"][0]["detail"].clone();
    let detail = detail.as_str().unwrap();
    assert!(detail.starts_with("url must ") && detail.contains("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS"), "{detail}");
    for public in ["https://bot.example.com", "https://93.184.216.34/", "https://[2606:4700::1111]:8443/x?y"] {
        create(&strict, public);
    }
    drop(strict);

    let dev = World::start(kind);
    for loopback in ["http://127.0.0.1:9/", "http://localhost:9/", "https://127.8.0.1/", "http://[::1]:9/"] {
        create(&dev, loopback);
    }
    for private in ["http://10.0.0.1/", "https://192.168.0.1/", "https://169.254.169.254/", "http://93.184.216.34/"] {
        assert_fields(&dev.http.post(PATH, &new_endpoint(private)), &[("url", "invalid")]);
    }
}

fn each_member_is_changed_alone(kind: DatabaseKind) {
    let world = World::start(kind);
    let made = without_secret(&create(&world, "https://bot.example.com/"));
    let mut expected = made.clone();
    for (change, member, value) in [
        (json!({}), "url", json!("https://bot.example.com/")),
        (json!({"url": "https://other.example.com"}), "url", json!("https://other.example.com/")),
        (json!({"description": " The bot "}), "description", json!("The bot")),
        (json!({"event_types": ["verification"]}), "event_types", json!(["verification"])),
        (json!({"description": null}), "description", Value::Null),
    ] {
        let answer = world.http.patch(&path_of(&made), &change);
        assert_eq!(answer.status, 200, "{answer:?}");
        let changed = answer.json();
        assert!(changed["updated_at"].as_str() >= expected["updated_at"].as_str());
        if change == json!({}) {
            assert_eq!(changed, expected, "nothing was to be changed");
        }
        expected[member] = value;
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected, "{change}");
        assert_eq!(world.http.get(&path_of(&made)).json(), expected);
    }
}

fn an_update_that_is_wrong_changes_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let made = without_secret(&create(&world, "https://bot.example.com/"));
    let path = path_of(&made);
    for (body, wrong) in [
        (
            json!({"url": null, "event_types": null, "disabled": null, "description": "kept out"}),
            vec![("disabled", "wrong_type"), ("event_types", "wrong_type"), ("url", "wrong_type")],
        ),
        (
            json!({"url": "https://10.0.0.1/", "event_types": [], "disabled": "yes", "description": "\u{0}"}),
            vec![
                ("description", "invalid"),
                ("disabled", "wrong_type"),
                ("event_types", "invalid"),
                ("url", "invalid"),
            ],
        ),
        (
            json!({"disabled": true, "id": made["id"], "secret": "x", "disabled_reason": "gone"}),
            vec![("disabled_reason", "unknown"), ("id", "unknown"), ("secret", "unknown")],
        ),
    ] {
        assert_fields(&world.http.patch(&path, &body), &wrong);
    }
    assert_problem(&world.http.send("PATCH", &path, &[], ""), 400, "malformed_request", "there is no body");
    assert_eq!(world.http.get(&path).json(), made);
}

fn an_endpoint_is_disabled_and_enabled(kind: DatabaseKind) {
    let world = World::start(kind);
    let made = without_secret(&create(&world, "https://bot.example.com/"));
    let path = path_of(&made);
    let set = |disabled: bool| world.http.patch(&path, &json!({"disabled": disabled})).json();
    assert_eq!(set(false), made, "it is enabled already");
    let disabled = set(true);
    assert_eq!((&disabled["disabled"], &disabled["disabled_reason"]), (&json!(true), &json!("requested")));
    assert_eq!(disabled["disabled_at"], disabled["updated_at"]);
    assert_eq!(set(true), disabled, "it is disabled already");
    assert_eq!(world.http.get(&path).json(), disabled);
    let mut expected = made.clone();
    let enabled = set(false);
    expected["updated_at"] = enabled["updated_at"].clone();
    assert_eq!(enabled, expected);

    let receiver = TestReceiver::start();
    receiver.answer(Answering::Status(410));
    assert_eq!(world.http.patch(&path, &json!({"url": receiver.url()})).status, 200);
    world.create();
    let gone = until("the endpoint says that it is gone", SOON, || {
        Some(world.http.get(&path).json()).filter(|endpoint| endpoint["disabled"] == true)
    });
    assert_eq!(gone["disabled_reason"], "gone");
    assert!(gone["disabled_at"].is_string() && gone["failing_since"].is_string(), "{gone}");
}

fn a_deleted_endpoint_is_not_found(kind: DatabaseKind) {
    let world = World::start(kind);
    let (gone, stays) = (create(&world, "https://gone.example.com/"), create(&world, "https://stays.example.com/"));
    let answer = world.http.send("DELETE", &path_of(&gone), &[], "");
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for method in ["GET", "DELETE"] {
        let answer = world.http.send(method, &path_of(&gone), &[], "");
        assert_problem(&answer, 404, "webhook_endpoint_not_found", "it was deleted");
    }
    assert_eq!(world.http.get(PATH).json(), json!([without_secret(&stays)]));
}

fn what_is_no_endpoint_is_not_found(kind: DatabaseKind) {
    let world = World::start(kind);
    let made = create(&world, "https://bot.example.com/");
    let bare = made["id"].as_str().unwrap().trim_start_matches("we_").to_owned();
    let delivery = "dlv_0193573c5c2b7c3a9d0e1f2a3b4c5d6e";
    for id in [UNKNOWN, "7", "we_", &bare, &format!("we_{bare}0"), &format!("evt_{bare}"), delivery] {
        for (method, rest, body) in [
            ("GET", "", None),
            ("PATCH", "", Some(json!({}))),
            ("PATCH", "", Some(json!({"url": 7}))),
            ("DELETE", "", None),
            ("POST", "/rotate_secret", None),
            ("POST", "/test", None),
            ("POST", "/replay", Some(json!({"since": "2026-11-25T08:00:00Z"}))),
            ("POST", "/replay", Some(json!({}))),
            ("GET", "/deliveries", None),
            ("POST", &format!("/deliveries/{delivery}/redeliver"), None),
        ] {
            let path = format!("{PATH}/{id}{rest}");
            let answer = match &body {
                Some(body) => world.http.send_json(method, &path, body),
                None => world.http.send(method, &path, &[], ""),
            };
            assert_problem(&answer, 404, "webhook_endpoint_not_found", &format!("{method} {path} {body:?}"));
        }
    }
    for delivery in [delivery, "7", made["id"].as_str().unwrap()] {
        let path = format!("{}/deliveries/{delivery}/redeliver", path_of(&made));
        assert_problem(&world.http.send("POST", &path, &[], ""), 404, "delivery_not_found", delivery);
    }
    let answer = world.http.get(&format!("{PATH}?page=2"));
    assert_fields(&answer, &[("page", "unknown")]);
}

/// The signatures of a request, each once.
fn signatures(request: &Received) -> BTreeSet<String> {
    let header = request.header("webhook-signature").unwrap();
    assert!(header.split(' ').all(|signature| signature.starts_with("v1,")), "{header}");
    header.split(' ').map(str::to_owned).collect()
}

/// Makes events until one arrives that is signed by so many secrets: a worker hears of a change a little later.
fn until_signed_by(world: &World, receiver: &TestReceiver, count: usize) -> Received {
    until(&format!("a delivery with {count} signatures"), SOON, || {
        let before = receiver.accepted_count();
        world.create();
        receiver.until_accepted(before + 1, SOON);
        receiver.requests().pop().filter(|request| signatures(request).len() == count)
    })
}

fn a_new_secret_signs_beside_the_old_one_until_its_day_is_over(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let made = create(&world, &receiver.url());
    let first = until_signed_by(&world, &receiver, 1);
    let rotate = || world.http.send("POST", &format!("{}/rotate_secret", path_of(&made)), &[], "");
    let answer = rotate();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let rotated = answer.json();
    assert_ne!(secret_of(&rotated), secret_of(&made));
    let mut expected = made.clone();
    expected["updated_at"] = rotated["updated_at"].clone();
    assert_eq!(without_secret(&rotated), without_secret(&expected), "nothing else has changed");
    let both = until_signed_by(&world, &receiver, 2);
    for (request, secret, verified) in
        [(&first, &made, true), (&first, &rotated, false), (&both, &made, true), (&both, &rotated, true)]
    {
        assert_eq!(is_signed_by(request, secret_of(secret)), verified);
    }

    let third = rotate().json();
    let both = until("a delivery signed by the third secret", SOON, || {
        Some(until_signed_by(&world, &receiver, 2)).filter(|request| is_signed_by(request, secret_of(&third)))
    });
    assert!(is_signed_by(&both, secret_of(&rotated)));
    assert!(!is_signed_by(&both, secret_of(&made)), "two are the most");
    world.database.execute("UPDATE webhook_endpoints SET previous_secret_until = created_at");
    let alone = until_signed_by(&world, &receiver, 1);
    assert!(is_signed_by(&alone, secret_of(&third)));

    let body = json!({"keep": true});
    let refused = world.http.post(&format!("{}/rotate_secret", path_of(&made)), &body);
    assert_fields(&refused, &[("keep", "unknown")]);
}

/// Whether one of a request's signatures is by a secret, as a library of other people says.
fn is_signed_by(request: &Received, secret: &str) -> bool {
    let Ok(python) = std::env::var("TEST_PYTHON") else {
        panic!("this test needs libraries of other people: run `make test`, or `scripts/with-tools cargo test …`");
    };
    let program = "import json, sys\n\
                   from standardwebhooks.webhooks import Webhook, WebhookVerificationError\n\
                   secret, headers, body = json.loads(sys.argv[1])\n\
                   try:\n    Webhook(secret).verify(body, headers)\n\
                   except WebhookVerificationError:\n    sys.exit(3)\n";
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let input = json!([secret, headers, request.body]).to_string();
    let output = std::process::Command::new(python).args(["-c", program, &input]).output().expect("python starts");
    match output.status.code() {
        Some(0) => true,
        Some(3) => false,
        _ => panic!("{output:?}"),
    }
}

fn endpoint_secrets_survive_a_new_secret_key(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let receiver = TestReceiver::start();
    let made = create(&world, &receiver.url());
    let rotated = world.http.send("POST", &format!("{}/rotate_secret", path_of(&made)), &[], "").json();
    let signed = |world: &World, when: &str| {
        let request = until_signed_by(world, &receiver, 2);
        assert!(is_signed_by(&request, secret_of(&made)), "the old one, {when}");
        assert!(is_signed_by(&request, secret_of(&rotated)), "the new one, {when}");
    };
    signed(&world, "before");
    let stop = |world: &World| {
        world.service.signal("TERM");
        assert_eq!(world.service.wait(SOON).code(), Some(0), "{}", world.service.logs());
    };
    stop(&world);
    world.rotate_secret(OTHER_KEY);
    world.start_again();
    signed(&world, "with both keys");
    stop(&world);
    world.forget_previous_secret();
    world.start_again();
    signed(&world, "with the new key alone");
}

fn a_test_says_what_came_of_it(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let made = create(&world, &receiver.url());
    let test = || {
        let answer = world.http.send("POST", &format!("{}/test", path_of(&made)), &[], "");
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
        answer.json()
    };
    let says = |body: &str, status| Answering::StatusWith { status, headers: Vec::new(), body: body.to_owned() };
    receiver.answer(says("thank you", 202));
    let accepted = test();
    let members: Vec<&str> = accepted.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["event_id", "accepted", "at", "status_code", "duration_ms", "answer", "error"]);
    assert_eq!((&accepted["accepted"], &accepted["status_code"]), (&json!(true), &json!(202)));
    assert_eq!((&accepted["answer"], &accepted["error"]), (&json!("thank you"), &Value::Null));
    assert!(accepted["duration_ms"].as_i64().is_some_and(|ms| (0..10_000).contains(&ms)), "{accepted}");

    receiver.answer(says(&"oops ".repeat(1000), 500));
    let failed = test();
    assert_eq!((&failed["accepted"], &failed["status_code"]), (&json!(false), &json!(500)));
    assert_eq!(failed["answer"].as_str().unwrap().len(), 1024, "no more than 1 KiB is shown");

    receiver.answer(Answering::Redirect("http://127.0.0.1:1/".to_owned()));
    assert_eq!(test()["status_code"], 307, "a redirect is an answer like any other");

    assert_eq!(world.http.patch(&path_of(&made), &json!({"disabled": true})).status, 200);
    receiver.answer(Answering::Status(204));
    let disabled = test();
    assert_eq!((&disabled["accepted"], &disabled["answer"]), (&json!(true), &Value::Null), "disabled or not");

    receiver.down();
    let refused = test();
    assert_eq!((&refused["accepted"], &refused["status_code"]), (&json!(false), &Value::Null));
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("refused")), "{refused}");
    assert_eq!(world.http.get(&path_of(&made)).json()["failing_since"], Value::Null, "a test is no delivery");

    let answer = world.http.post(&format!("{}/test", path_of(&made)), &json!({"event": "verification"}));
    assert_fields(&answer, &[("event", "unknown")]);
}

fn a_ping_is_an_event_that_is_stored_nowhere(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let made = create(&world, &receiver.url());
    let outcome = world.http.send("POST", &format!("{}/test", path_of(&made)), &[], "").json();
    let [ping] = &receiver.requests()[..] else { panic!("one request") };
    let id = outcome["event_id"].as_str().unwrap();
    assert!(id.starts_with("evt_"));
    assert_eq!((ping.method.as_str(), ping.path.as_str(), ping.id()), ("POST", "/hook", id));
    assert_eq!(ping.json(), json!({"id": id, "type": "ping", "timestamp": outcome["at"], "data": {}}));
    assert_eq!((ping.header("ce-type"), ping.header("ce-id")), (Some("ping"), Some(id)));
    assert_eq!((ping.header("ce-subject"), ping.header("customers-repeat")), (None, None));
    assert_eq!(signatures(ping).len(), 1);
    assert!(is_signed_by(ping, secret_of(&made)));

    assert_eq!(world.events(), Vec::<Value>::new());
    assert_eq!(world.http.get(&format!("/v1/events/{id}")).status, 404);
    assert_eq!(world.http.get(&format!("{}/deliveries", path_of(&made))).json(), json!([]));
}

fn a_read_key_sees_endpoints_and_changes_none(kind: DatabaseKind) {
    let world = World::start(kind);
    let made = create(&world, "https://bot.example.com/");
    let path = path_of(&made);
    let reader = world.client_with_scope("read");
    for path in [PATH, &path, &format!("{path}/deliveries")] {
        let (seen, shown) = (reader.get(path), world.http.get(path));
        assert_eq!((seen.status, seen.text), (200, shown.text), "{path}");
    }
    let delivery = format!("{path}/deliveries/dlv_0193573c5c2b7c3a9d0e1f2a3b4c5d6e/redeliver");
    for (method, path, body) in [
        ("POST", PATH.to_owned(), new_endpoint("https://other.example.com/")),
        ("POST", PATH.to_owned(), json!({})),
        ("PATCH", path.clone(), json!({"disabled": true})),
        ("DELETE", path.clone(), json!({})),
        ("POST", format!("{path}/rotate_secret"), json!({})),
        ("POST", format!("{path}/test"), json!({})),
        ("POST", format!("{path}/replay"), json!({"since": "2026-11-25T08:00:00Z"})),
        ("POST", delivery, json!({})),
        ("DELETE", format!("{PATH}/{UNKNOWN}"), json!({})),
    ] {
        let when = format!("a read key sends {method} {path}");
        assert_problem(&reader.send_json(method, &path, &body), 403, "forbidden", &when);
        let anonymous = world.service.client().send_json(method, &path, &body);
        assert_problem(&anonymous, 401, "unauthorized", &format!("nobody sends {method} {path}"));
    }
    assert_eq!(world.http.get(PATH).json(), json!([without_secret(&made)]));
}

fn other_methods_are_told_which_there_are(kind: DatabaseKind) {
    let world = World::start(kind);
    let one = format!("{PATH}/{UNKNOWN}");
    for (method, path, allow) in [
        ("DELETE", PATH.to_owned(), "GET, POST"),
        ("PUT", one.clone(), "GET, PATCH, DELETE"),
        ("POST", one.clone(), "GET, PATCH, DELETE"),
        ("GET", format!("{one}/rotate_secret"), "POST"),
        ("GET", format!("{one}/test"), "POST"),
        ("GET", format!("{one}/replay"), "POST"),
        ("POST", format!("{one}/deliveries"), "GET"),
        ("GET", format!("{one}/deliveries/7/redeliver"), "POST"),
        ("POST", "/v1/events/stream".to_owned(), "GET"),
    ] {
        let answer = world.http.send(method, &path, &[], "");
        assert_problem(&answer, 405, "method_not_allowed", &format!("{method} {path}"));
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let nothing = world.http.get(&format!("{one}/deliveries/7"));
    assert_problem(&nothing, 404, "route_not_found", "a delivery is not read alone");
}

fn there_may_be_a_hundred_endpoints(kind: DatabaseKind) {
    let world = World::start(kind);
    let made: Vec<Value> = (0..100).map(|n| create(&world, &format!("https://bot.example.com/{n}"))).collect();
    let answer = world.http.post(PATH, &new_endpoint("https://bot.example.com/100"));
    assert_problem(&answer, 409, "too_many_webhook_endpoints", "there are 100");
    assert_eq!(world.http.get(PATH).json().as_array().unwrap().len(), 100);
    assert_eq!(world.http.send("DELETE", &path_of(&made[7]), &[], "").status, 204);
    create(&world, "https://bot.example.com/100");
}
