//! `Idempotency-Key`: what is sent again is done once, and answered as it was.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind, Http, TestReceiver};

use crate::errors::{assert_fields, assert_problem};
use crate::world::{
    OTHER_KEY, World, at_once, is_replayed, new_customer, number, other_token, path_of, post_once, token_of, until,
};

crate::on_both_databases!(
    a_repeat_gets_the_first_answer_whatever_happened_since,
    a_key_is_for_one_request,
    a_key_that_is_none_is_refused_on_every_post,
    two_callers_may_use_the_same_key,
    what_was_refused_and_changed_nothing_may_be_corrected_under_its_key,
    the_repeat_of_a_wrong_token_costs_no_try,
    the_repeat_of_a_generation_makes_no_other_token,
    every_post_takes_a_key,
    a_key_that_may_only_read_gains_nothing,
    racing_repeats_of_a_confirm_are_all_told_that_it_succeeded,
    of_120_creates_under_one_key_one_is_done,
    processes_share_their_keys,
    what_was_in_flight_at_kill_9_is_done_once_when_it_is_sent_again,
    what_is_stored_to_be_answered_again_cannot_be_read,
    a_key_is_free_after_its_time,
    a_repeat_is_known_after_the_secret_key_was_rotated,
    a_long_replay_is_queued_once_however_many_ask,
);

const SOON: Duration = Duration::from_mins(1);

/// That an answer is another one once more.
fn assert_repeats(repeat: &Answer, first: &Answer) {
    assert!(is_replayed(repeat) && !is_replayed(first), "{first:?}\n{repeat:?}");
    assert_eq!((repeat.status, &repeat.text), (first.status, &first.text));
    for header in ["etag", "location", "content-type", "cache-control", "content-length"] {
        assert_eq!(repeat.header(header), first.header(header), "{header}");
    }
}

/// All that differs between two answers of one refusal is the request's id.
fn assert_repeats_refusal(repeat: &Answer, first: &Answer) {
    assert!(is_replayed(repeat) && !is_replayed(first), "{first:?}\n{repeat:?}");
    assert_eq!(repeat.status, first.status);
    let [mut was, mut is] = [first, repeat].map(Answer::json);
    assert_eq!(is["request_id"].as_str(), repeat.header("x-request-id"), "it is a request of its own");
    for problem in [&mut was, &mut is] {
        problem.as_object_mut().unwrap().remove("request_id");
    }
    assert_eq!(was, is);
    assert_eq!(repeat.header("content-type"), first.header("content-type"));
}

fn a_repeat_gets_the_first_answer_whatever_happened_since(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut body = new_customer(&number());
    body["first_name"] = json!("Yogi");
    let (key, quoted) = ("8e03978e-40d5 \\\"43e8\\", r#""8e03978e-40d5 \\\"43e8\\""#);
    let created = post_once(&world.http, "/v1/customers", key, &body);
    assert_eq!((created.status, created.header("etag")), (201, Some("\"1\"")), "{created:?}");
    let path = created.header("location").unwrap().to_owned();
    let customer = created.json();
    assert_repeats(&post_once(&world.http, "/v1/customers", key, &body), &created);
    world.http.patch(&path, &json!({"first_name": "Lorenzo"}));
    assert_repeats(&post_once(&world.http, "/v1/customers", key, &body), &created);
    assert_repeats(&post_once(&world.http, "/v1/customers", quoted, &body), &created);

    let confirm = format!("{path}/confirm");
    let token = json!({"confirmation_token": token_of(&customer)});
    let confirmed = post_once(&world.http, &confirm, "\"c\"", &token);
    assert_eq!((confirmed.status, confirmed.header("etag")), (200, Some("\"3\"")), "{confirmed:?}");
    world.http.patch(&path, &json!({"first_name": "Berra"}));
    assert_repeats(&post_once(&world.http, &confirm, "c", &token), &confirmed);
    assert_repeats(&post_once(&world.http, "/v1/customers", key, &body), &created);
    assert_eq!(world.http.post(&confirm, &token).json()["code"], "already_confirmed", "without a key it is another");
    assert_eq!(world.events_of(&customer).len(), 4);
    assert_eq!(world.http.get(&path).header("etag"), Some("\"4\""));

    // Under an id that the caller chose, too.
    let path = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";
    let body = new_customer(&number());
    let created = post_once(&world.http, path, "own", &body);
    assert_eq!(created.status, 201, "{created:?}");
    assert_repeats(&post_once(&world.http, path, "own", &body), &created);
}

fn a_key_is_for_one_request(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = new_customer(&number());
    let created = post_once(&world.http, "/v1/customers", "k", &body);
    let customer = created.json();
    let id = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640";
    let mut more = body.clone();
    more["first_name"] = json!("Yogi");
    let spaced = format!(" {body}");
    for (path, other) in [
        ("/v1/customers", new_customer(&number()).to_string()),
        ("/v1/customers", more.to_string()),
        ("/v1/customers", spaced),
        (id, body.to_string()),
        (&format!("{}/confirm", path_of(&customer)), json!({"confirmation_token": token_of(&customer)}).to_string()),
        (&format!("{}/confirm", path_of(&customer)), json!({"confirmation_token": "000000"}).to_string()),
        (&format!("{}/generate_confirmation", path_of(&customer)), String::new()),
        (&format!("{}/verification/unlock", path_of(&customer)), String::new()),
    ] {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
        let refused = world.http.send("POST", path, &headers, other);
        assert_problem(&refused, 422, "idempotency_key_reused", path);
        assert!(!is_replayed(&refused));
    }
    assert_repeats(&post_once(&world.http, "/v1/customers", "k", &body), &created);
    assert_eq!((world.events().len(), world.http.get(&path_of(&customer)).header("etag")), (1, Some("\"1\"")));
    let verification = world.http.get(&format!("{}/verification", path_of(&customer))).json();
    assert_eq!(verification["attempts_remaining"], 5, "no try was counted");
    // What it cannot be told apart by stays a key of its own.
    for key in ["K", "k k", "'k'"] {
        let answer = post_once(&world.http, "/v1/customers", key, &new_customer(&number()));
        assert_eq!((answer.status, is_replayed(&answer)), (201, false), "{key}: {answer:?}");
    }
}

/// A path for each POST below `/v1`, of things that are there, and a body with which it succeeds.
fn all_posts(world: &World, receiver: &TestReceiver) -> Vec<(String, Value)> {
    let endpoint = world.endpoint(&receiver.url());
    let [unconfirmed, other, confirmed] = [world.create(), world.create(), world.confirmed()];
    let delivery = until("a delivery that is over", SOON, || {
        let all = world.http.get(&format!("{endpoint}/deliveries?status=accepted")).json();
        all[0]["id"].as_str().map(str::to_owned)
    });
    let (token, customer) = (json!({"confirmation_token": token_of(&unconfirmed)}), path_of(&unconfirmed));
    vec![
        ("/v1/customers".to_owned(), new_customer(&number())),
        ("/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640".to_owned(), new_customer(&number())),
        (format!("{customer}/confirm"), token),
        (format!("{}/generate_confirmation", path_of(&other)), json!({})),
        (format!("{}/verification/unlock", path_of(&other)), json!({})),
        (format!("{}/phone_number", path_of(&confirmed)), new_customer(&number())),
        ("/v1/webhook_endpoints".to_owned(), json!({"url": receiver.url(), "event_types": ["verification"]})),
        (format!("{endpoint}/rotate_secret"), json!({})),
        (format!("{endpoint}/test"), json!({})),
        (format!("{endpoint}/replay"), json!({"since": "2020-01-01T00:00:00Z"})),
        (format!("{endpoint}/deliveries/{delivery}/redeliver"), json!({})),
    ]
}

fn a_key_that_is_none_is_refused_on_every_post(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let too_long = "k".repeat(256);
    let posts = all_posts(&world, &receiver);
    let events = world.events().len();
    for (path, body) in &posts {
        for key in
            ["", "  ", "\"\"", &too_long, &format!("\"{too_long}\""), "a\tb", "\"open", "\"a\"b\"", "\"a\", \"b\""]
        {
            let refused = post_once(&world.http, path, key, body);
            assert_fields(&refused, &[("Idempotency-Key", "invalid")]);
        }
        let twice = [("Content-Type", "application/json"), ("Idempotency-Key", "a"), ("Idempotency-Key", "a")];
        assert_fields(&world.http.send("POST", path, &twice, body.to_string()), &[("Idempotency-Key", "invalid")]);
    }
    // A client of whole headers sends none that are not text.
    let address = world.service.url("").trim_start_matches("http://").to_owned();
    for key in [&b"caf\xc3\xa9"[..], b"a\xffb", b"a\x7fb"] {
        let mut connection = TcpStream::connect(&address).unwrap();
        let body = new_customer(&number()).to_string();
        let head = format!(
            "POST /v1/customers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: ",
            world.key,
            body.len()
        );
        connection.write_all(&[head.as_bytes(), key, b"\r\n\r\n", body.as_bytes()].concat()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        // A byte that no header may hold is refused before anybody reads a key in it.
        let is_refused = answer.starts_with("HTTP/1.1 422") && answer.contains("\"field\":\"Idempotency-Key\"");
        assert!(is_refused || key.contains(&0x7f) && answer.starts_with("HTTP/1.1 400"), "{key:?}: {answer}");
    }
    assert_eq!(events, world.events().len(), "nothing was done");
    let pings = receiver.requests().iter().filter(|one| one.json()["type"] == "ping").count();
    assert_eq!(pings, 0, "no endpoint was tried");
    let longest = "k".repeat(255);
    assert_eq!(post_once(&world.http, "/v1/customers", &longest, &new_customer(&number())).status, 201);
}

fn two_callers_may_use_the_same_key(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.client_with_scope("write");
    let [mine, others] = [new_customer(&number()), new_customer(&number())];
    let first = post_once(&world.http, "/v1/customers", "k", &mine);
    let second = post_once(&other, "/v1/customers", "k", &others);
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    assert_ne!(first.json()["id"], second.json()["id"]);
    assert_repeats(&post_once(&world.http, "/v1/customers", "k", &mine), &first);
    assert_repeats(&post_once(&other, "/v1/customers", "k", &others), &second);
    assert_problem(&post_once(&other, "/v1/customers", "k", &mine), 422, "idempotency_key_reused", "it is another's");
}

fn what_was_refused_and_changed_nothing_may_be_corrected_under_its_key(kind: DatabaseKind) {
    let world = World::start(kind);
    let taken = world.create();
    let taken_number = taken["unconfirmed_phone_number"].as_str().unwrap();
    let mut bad = new_customer(&number());
    bad["email"] = json!("nobody");
    for (key, wrong, status) in
        [("bad field", bad, 422), ("taken", new_customer(taken_number), 409), ("no object", json!([]), 400)]
    {
        for _ in 0..2 {
            let refused = post_once(&world.http, "/v1/customers", key, &wrong);
            assert_eq!((refused.status, is_replayed(&refused)), (status, false), "{refused:?}");
        }
        let good = new_customer(&number());
        let created = post_once(&world.http, "/v1/customers", key, &good);
        assert_eq!((created.status, is_replayed(&created)), (201, false), "{key}: {created:?}");
        assert_repeats(&post_once(&world.http, "/v1/customers", key, &good), &created);
    }
    let path = "/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640/confirm";
    assert_problem(
        &post_once(&world.http, path, "404", &json!({"confirmation_token": "000000"})),
        404,
        "customer_not_found",
        "unknown",
    );
    let confirm = format!("{}/confirm", path_of(&taken));
    let body = json!({"confirmation_token": token_of(&taken)});
    let malformed = post_once(&world.http, &confirm, "404", &json!({"confirmation_token": "12"}));
    assert_fields(&malformed, &[("confirmation_token", "invalid")]);
    assert_eq!(post_once(&world.http, &confirm, "404", &body).status, 200, "the key was not used");
    let again = post_once(&world.http, &confirm, "late", &body);
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("already_confirmed")));
    assert_eq!(post_once(&world.http, "/v1/customers", "late", &new_customer(&number())).status, 201);
    // What a number that was taken is answered may change.
    let body = new_customer(taken_number);
    assert_eq!(post_once(&world.http, "/v1/customers", "again", &body).status, 409);
    assert_eq!(world.delete(&path_of(&taken)).status, 204);
    assert_eq!(post_once(&world.http, "/v1/customers", "again", &body).status, 201);
}

fn the_repeat_of_a_wrong_token_costs_no_try(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let confirm = format!("{}/confirm", path_of(&customer));
    let wrong = json!({"confirmation_token": other_token(token_of(&customer))});
    let first = post_once(&world.http, &confirm, "w1", &wrong);
    assert_problem(&first, 422, "confirmation_token_invalid", "it is wrong");
    assert_eq!(first.json()["attempts_remaining"], 4);
    for repeat in at_once(10, |_| post_once(&world.http, &confirm, "w1", &wrong)) {
        assert_repeats_refusal(&repeat, &first);
    }
    let second = post_once(&world.http, &confirm, "w2", &wrong);
    assert_eq!((is_replayed(&second), &second.json()["attempts_remaining"]), (false, &json!(3)));
    let right = json!({"confirmation_token": token_of(&customer)});
    assert_problem(&post_once(&world.http, &confirm, "w1", &right), 422, "idempotency_key_reused", "it is another try");
    assert_eq!(post_once(&world.http, &confirm, "r", &right).status, 200);
    assert_repeats_refusal(&post_once(&world.http, &confirm, "w1", &wrong), &first);

    // Racing repeats of one that was never answered cost one try.
    let customer = world.create();
    let confirm = format!("{}/confirm", path_of(&customer));
    let wrong = json!({"confirmation_token": other_token(token_of(&customer))});
    for answer in at_once(10, |_| post_once(&world.http, &confirm, "race", &wrong)) {
        assert_problem(&answer, 422, "confirmation_token_invalid", "it is wrong");
        assert_eq!(answer.json()["attempts_remaining"], 4);
    }
    let verification = world.http.get(&format!("{}/verification", path_of(&customer))).json();
    assert_eq!(verification["attempts_remaining"], 4);
}

fn the_repeat_of_a_generation_makes_no_other_token(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let generate = format!("{}/generate_confirmation", path_of(&customer));
    let send = |key| world.http.send("POST", &generate, &[("Idempotency-Key", key)], "");
    let first = send("g");
    assert_eq!((first.status, first.text.as_str()), (201, ""));
    let token = world.http.get(&path_of(&customer)).json()["confirmation_token"].clone();
    for repeat in at_once(8, |_| send("g")) {
        assert_repeats(&repeat, &first);
    }
    assert_eq!(world.http.get(&path_of(&customer)).json()["confirmation_token"], token);
    assert_eq!(world.events_of(&customer).len(), 2);
    let racing = at_once(8, |_| send("h"));
    assert!(racing.iter().all(|answer| answer.status == 201), "{racing:?}");
    assert_eq!(racing.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert_eq!(world.events_of(&customer).len(), 3);
}

fn every_post_takes_a_key(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    for (at, (path, body)) in all_posts(&world, &receiver).into_iter().enumerate() {
        let key = format!("key {at}");
        let first = post_once(&world.http, &path, &key, &body);
        assert!((200..300).contains(&first.status), "{path}: {first:?}");
        assert_repeats(&post_once(&world.http, &path, &key, &body), &first);
        assert_repeats(&post_once(&world.http, &path, &key, &body), &first);
    }
    let pings =
        |requests: &[test_support::Received]| requests.iter().filter(|one| one.json()["type"] == "ping").count();
    assert_eq!(pings(&receiver.requests()), 1, "a test is sent once");
    let endpoints = world.http.get("/v1/webhook_endpoints").json();
    let [first, second] = &endpoints.as_array().unwrap()[..] else { panic!("two endpoints: {endpoints}") };
    // Three customers' four events, once each, once more by the replay, and one of them by the redelivery.
    let path = format!("/v1/webhook_endpoints/{}/deliveries?limit=100", first["id"].as_str().unwrap());
    let deliveries = world.http.get(&path).json();
    let repeats = deliveries.as_array().unwrap().iter().filter(|one| !one["repeat"].is_null()).count();
    let events = world.events().len();
    assert_eq!((events, second["url"].as_str()), (8 + 1, Some(receiver.url().as_str())), "{:?}", world.events());
    assert!((5..=events + 1).contains(&repeats), "{repeats} of {events}: {deliveries}");

    // The secret was rotated once: what is signed by the one that was answered can be checked.
    let path = format!("/v1/webhook_endpoints/{}/rotate_secret", second["id"].as_str().unwrap());
    let secrets: Vec<Value> =
        at_once(6, |_| post_once(&world.http, &path, "rotate", &json!({})).json()["secret"].clone());
    assert!(secrets[0].is_string() && secrets.iter().all(|secret| *secret == secrets[0]), "{secrets:?}");
    let body = json!({"url": receiver.url(), "event_types": ["verification"]});
    let made = at_once(6, |_| post_once(&world.http, "/v1/webhook_endpoints", "many", &body));
    assert!(made.iter().all(|answer| answer.status == 201 && answer.text == made[0].text), "{made:?}");
    assert_eq!(world.http.get("/v1/webhook_endpoints").json().as_array().unwrap().len(), 3);
}

fn a_key_that_may_only_read_gains_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = new_customer(&number());
    assert_eq!(post_once(&world.http, "/v1/customers", "k", &body).status, 201);
    let reader = world.client_with_scope("read");
    for key in ["k", "other", ""] {
        let refused = post_once(&reader, "/v1/customers", key, &body);
        assert_problem(&refused, 403, "forbidden", "the key reads");
        assert!(!is_replayed(&refused));
    }
    let nobody = post_once(&world.service.client(), "/v1/customers", "k", &body);
    assert_problem(&nobody, 401, "unauthorized", "there is no key");
}

fn racing_repeats_of_a_confirm_are_all_told_that_it_succeeded(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    for round in 0..6 {
        let customer = world.create();
        let confirm = format!("{}/confirm", path_of(&customer));
        let token = json!({"confirmation_token": token_of(&customer)});
        let key = format!("confirm {round}");
        let answers = at_once(12, |which| post_once(&clients[which % 2], &confirm, &key, &token));
        for answer in &answers {
            assert_eq!((answer.status, &answer.text), (200, &answers[0].text), "{answer:?}");
            assert_eq!(answer.header("etag"), answers[0].header("etag"));
        }
        assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
        assert_eq!(world.events_of(&customer).len(), 2);
    }
}

/// That all were answered the same, but for those who were told to come again. Returns how many those were.
fn assert_one_answer(answers: &[Answer]) -> usize {
    let told: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 409).collect();
    assert!(!told.is_empty(), "{answers:?}");
    for answer in &told {
        assert_eq!((answer.status, &answer.text), (201, &told[0].text), "{answer:?}");
        assert_eq!(answer.header("location"), told[0].header("location"));
    }
    assert_eq!(told.iter().filter(|answer| !is_replayed(answer)).count(), 1, "one did it");
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_problem(answer, 409, "idempotency_in_progress", "the first runs");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    answers.len() - told.len()
}

fn of_120_creates_under_one_key_one_is_done(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = new_customer(&number());
    let answers = at_once(120, |_| post_once(&world.http, "/v1/customers", "k", &body));
    let waited_in_vain = assert_one_answer(&answers);
    assert!(waited_in_vain <= 12, "{waited_in_vain} of 120 were told to come again");
    assert_eq!(world.events().len(), 1);
    assert_eq!(world.database.count("SELECT id FROM customers"), 1);
}

fn processes_share_their_keys(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    for round in 0..10 {
        let body = new_customer(&number());
        let key = format!("{round}");
        let answers = at_once(8, |which| post_once(&clients[which % 2], "/v1/customers", &key, &body));
        assert_one_answer(&answers);
        let differing = at_once(2, |which| {
            let body = new_customer(&number());
            post_once(&clients[which % 2], "/v1/customers", &format!("differing {round}"), &body)
        });
        let mut statuses: Vec<u16> = differing.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "{differing:?}");
    }
    assert_eq!(world.events().len(), 20);
}

#[test]
fn who_waits_for_too_long_is_told_to_come_again() {
    let world = World::start(DatabaseKind::Postgresql);
    let body = new_customer(&number());
    // What a create writes after its key takes longer than a repeat waits, and less than a statement may.
    world.database.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(4.2); RETURN new; END $$; \
         CREATE TRIGGER dawdle BEFORE INSERT ON phone_number_claims FOR EACH ROW EXECUTE FUNCTION dawdle()",
    );
    let answers = at_once(3, |which| {
        if which > 0 {
            // Repeats that come while the first is stored: those that come with it are stored with it.
            let dawdling =
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
            until("the first is stored", Duration::from_secs(3), || (world.database.count(dawdling) > 0).then_some(()));
        }
        post_once(&world.http, "/v1/customers", "k", &body)
    });
    assert_eq!(assert_one_answer(&answers), 2, "{answers:?}");
    let repeat = post_once(&world.http, "/v1/customers", "k", &body);
    assert!(repeat.status == 201 && is_replayed(&repeat), "{repeat:?}");
    assert_eq!(world.events().len(), 1);
}

/// Sends, at whichever service is there, until there is an answer that is not to be tried again.
fn persistently(http: &Mutex<Http>, path: &str, key: &str, body: &Value, lost: &AtomicUsize) -> Answer {
    loop {
        let client = http.lock().unwrap().clone();
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        match client.try_send("POST", path, &headers, body.to_string()) {
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) if answer.status == 409 && answer.json()["code"] == "idempotency_in_progress" => {}
            Ok(answer) => return answer,
            Err(_) => {
                lost.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
            }
        }
    }
}

fn what_was_in_flight_at_kill_9_is_done_once_when_it_is_sent_again(kind: DatabaseKind) {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 12;
    let mut world = World::start(kind);
    let http = Mutex::new(world.http.clone());
    let (done, lost, stopping) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let told = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (http, done, lost, stopping, told) = (&http, &done, &lost, &stopping, &told);
            scope.spawn(move || {
                for turn in 0.. {
                    if stopping.load(Ordering::Relaxed) == 1 {
                        return;
                    }
                    let key = format!("{client}-{turn}");
                    let created = persistently(http, "/v1/customers", &key, &new_customer(&number()), lost);
                    assert_eq!(created.status, 201, "{created:?}");
                    let customer = created.json();
                    let confirm = format!("{}/confirm", path_of(&customer));
                    let token = json!({"confirmation_token": token_of(&customer)});
                    let confirmed = persistently(http, &confirm, &format!("{key} confirm"), &token, lost);
                    assert_eq!(confirmed.status, 200, "{confirmed:?}");
                    told.lock().unwrap().insert(customer["id"].as_str().unwrap().to_owned(), confirmed.json());
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..ROUNDS {
            // Each time at another moment of what is going on.
            let before = done.load(Ordering::Relaxed);
            until("the next ones are done", Duration::from_secs(30), || {
                (done.load(Ordering::Relaxed) > before + round % 4).then_some(())
            });
            world.service.kill();
            world.start_again();
            *http.lock().unwrap() = world.http.clone();
        }
        stopping.store(1, Ordering::Relaxed);
    });

    let told = told.into_inner().unwrap();
    let count = i64::try_from(told.len()).unwrap();
    assert!(lost.into_inner() >= ROUNDS && told.len() >= ROUNDS, "{count} are too few to show anything");
    assert_eq!(world.database.count("SELECT id FROM customers"), count, "each once");
    let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in world.events() {
        let data = &event["data"];
        let customer = data["customer"]["id"].as_str().unwrap().to_owned();
        events.entry(customer).or_default().push(json!([data["sequence"], data["status"]]));
    }
    assert_eq!(events.len(), told.len());
    for (customer, events) in events {
        assert_eq!(events, [json!([1, "pending"]), json!([2, "confirmed"])], "of {customer}");
        assert!(told.contains_key(&customer));
    }
}

fn what_is_stored_to_be_answered_again_cannot_be_read(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut body = new_customer(&number());
    body["first_name"] = json!("Canary");
    let created = post_once(&world.http, "/v1/customers", "Canarykey", &body).json();
    let endpoint = json!({"url": "http://127.0.0.1:1/", "event_types": ["verification"]});
    let endpoint = post_once(&world.http, "/v1/webhook_endpoints", "e", &endpoint).json();
    let records = |holding: &str| {
        let holds = match kind {
            DatabaseKind::Sqlite => format!("instr(CAST(record AS BLOB), CAST('{holding}' AS BLOB)) > 0"),
            DatabaseKind::Postgresql => format!("position(convert_to('{holding}', 'UTF8') IN record) > 0"),
        };
        let record = "SELECT outcome AS record FROM idempotency_records UNION ALL \
                      SELECT id FROM idempotency_records UNION ALL SELECT fingerprint FROM idempotency_records";
        world.database.count(&format!("SELECT 1 FROM ({record}) AS records WHERE {holds}"))
    };
    assert_eq!(world.database.count("SELECT id FROM idempotency_records WHERE outcome IS NOT NULL"), 2);
    let number = created["unconfirmed_phone_number"].as_str().unwrap();
    let id = created["id"].as_str().unwrap();
    let secret = endpoint["secret"].as_str().unwrap().trim_start_matches("whsec_");
    for what in ["Canary", number, &number[2..], token_of(&created), id, secret, "unconfirmed_phone_number", "status"] {
        assert_eq!(records(what), 0, "{what}");
    }
    // The key as it was sent may be a person's, too. All that is kept is looked at.
    assert!(!world.database.dump().contains("Canarykey"));
}

fn a_key_is_free_after_its_time(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_IDEMPOTENCY_TTL", "1s")]);
    let customer = world.create();
    let generate = format!("{}/generate_confirmation", path_of(&customer));
    let body = new_customer(&number());
    assert_eq!(post_once(&world.http, "/v1/customers", "c", &body).status, 201);
    assert_eq!(post_once(&world.http, &generate, "g", &json!({})).status, 201);
    until("it is done once more", SOON, || {
        let answer = post_once(&world.http, &generate, "g", &json!({}));
        assert_eq!(answer.status, 201, "{answer:?}");
        (!is_replayed(&answer)).then_some(())
    });
    assert_eq!(world.events_of(&customer).len(), 3);
    until("it is another request", SOON, || {
        let answer = post_once(&world.http, "/v1/customers", "c", &body);
        (!is_replayed(&answer)).then(|| assert_problem(&answer, 409, "phone_number_taken", "it is made again"))
    });
    until("nothing stays", SOON, || (world.database.count("SELECT id FROM idempotency_records") == 0).then_some(()));
}

fn a_repeat_is_known_after_the_secret_key_was_rotated(kind: DatabaseKind) {
    let mut world = World::start(kind);
    let body = new_customer(&number());
    let created = post_once(&world.http, "/v1/customers", "k", &body);
    assert_eq!(created.status, 201, "{created:?}");
    world.service.kill();
    world.rotate_secret(OTHER_KEY);
    world.start_again();
    assert_repeats(&post_once(&world.http, "/v1/customers", "k", &body), &created);
    let other = new_customer(&number());
    assert_problem(
        &post_once(&world.http, "/v1/customers", "k", &other),
        422,
        "idempotency_key_reused",
        "it is another",
    );
    assert_eq!(post_once(&world.http, "/v1/customers", "new", &other).status, 201);
    assert_eq!(world.events().len(), 2);
}

fn a_long_replay_is_queued_once_however_many_ask(kind: DatabaseKind) {
    let world = World::start(kind);
    let endpoint = world
        .http
        .post("/v1/webhook_endpoints", &json!({"url": "http://127.0.0.1:9/", "event_types": ["verification"]}));
    let endpoint = format!("/v1/webhook_endpoints/{}", endpoint.json()["id"].as_str().unwrap());
    let customer = world.create();
    for _ in 0..5 {
        let path = format!("{}/generate_confirmation", path_of(&customer));
        assert_eq!(world.http.post(&path, &json!({})).status, 201);
    }
    // Each replay doubles nothing: it repeats the events, and there are more of those than fit into one piece.
    until("all have their place", Duration::from_secs(15), || {
        (world.database.count("SELECT id FROM deliveries") == 6).then_some(())
    });
    let many = "SELECT e.id FROM events AS e WHERE e.position IS NOT NULL";
    assert_eq!(world.database.count(many), 6);
    world.database.execute(&more_events(kind));
    assert_eq!(world.database.count(many), 1_206);
    let body = json!({"since": "2020-01-01T00:00:00Z"});
    let answers = at_once(4, |_| post_once(&world.http, &format!("{endpoint}/replay"), "once", &body));
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.text == answers[0].text), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert_eq!(world.database.count("SELECT id FROM deliveries WHERE repeat IS NOT NULL"), 1_206);
}

/// Two hundred more of each event, that the endpoint has come past.
fn more_events(kind: DatabaseKind) -> String {
    let id = match kind {
        DatabaseKind::Sqlite => "randomblob(16)",
        DatabaseKind::Postgresql => "gen_random_uuid()",
    };
    format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200) \
         INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload, position) \
         SELECT {id}, customer_id, sequence + n * 100, type, occurred_at, payload, position + n * 100 \
         FROM events, numbers; \
         UPDATE event_numbering SET last_position = 100000; UPDATE receivers SET position = 100000"
    )
}
