//! `DELETE /v1/customers/{customer_id}`: a customer goes, and nothing of him stays anywhere.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Answer, Answering, DatabaseKind, EventStream, NatsServer, TestReceiver};

use crate::cards::{begin, finish, with_test_card};
use crate::errors::{assert_fields, assert_problem};
use crate::visitor::{Visitor, assert_page, links};
use crate::world::{World, at_once, new_customer, number, path_of, post_once, token_of, until};

crate::on_both_databases!(
    who_was_erased_is_not_there_and_his_number_is_free,
    the_id_of_who_was_erased_is_never_used_again,
    a_key_that_reads_erases_nobody,
    of_many_who_erase_one_is_told_that_it_was_he,
    a_repeat_of_what_was_done_for_him_finds_nobody,
    his_events_say_only_that_they_were,
    a_receiver_that_is_up_is_told_in_order,
    a_receiver_that_was_down_is_told_of_his_end_alone,
    what_was_under_way_when_he_went_leaves_nothing,
    delivering_again_sends_nothing_of_him,
    at_the_broker_his_end_alone_remains,
    a_broker_that_was_down_is_told_of_his_end_alone,
    pages_that_he_had_open_end,
    nothing_of_him_is_left_in_the_database_and_the_log,
    whatever_is_written_about_him_meanwhile_goes_with_him,
);

pub(crate) const SOON: Duration = Duration::from_mins(1);
const ADDRESS: &str =
    r#"{"name":"Canaryname","line1":"Canarystreet 1","postal_code":"1100-048","city":"Canarycity","country":"PT"}"#;

pub(crate) fn erase(world: &World, customer: &Value) {
    let answer = world.delete(&path_of(customer));
    assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{answer:?}");
}

fn id_of(customer: &Value) -> &str {
    customer["id"].as_str().unwrap()
}

/// A confirmed customer with all that can be said of one, a change of number that is pending included.
fn canary(world: &World) -> Value {
    let body = json!({
        "unconfirmed_phone_number": number(), "country_code": "CA", "first_name": "Canaryfirst",
        "last_name": "Canarylast", "email": "canary@Canarymail.example",
    });
    let created =
        post_once(&world.http, "/v1/customers", &format!("Canarykey {}", body["unconfirmed_phone_number"]), &body);
    assert_eq!(created.status, 201, "{created:?}");
    let customer = created.json();
    let path = path_of(&customer);
    assert_eq!(world.confirm(&customer).status, 200);
    let json = [("Content-Type", "application/json")];
    let billing = format!("{path}/addresses/billing");
    assert_eq!(world.http.send("PUT", &billing, &json, ADDRESS).status, 200);
    with_test_card(world, &path);
    let changing = world.change_number(&customer, &number());
    assert_eq!(changing.status, 200, "{changing:?}");
    changing.json()
}

/// All that tells who a customer is.
fn traces(customer: &Value) -> Vec<String> {
    let numbers =
        ["phone_number", "unconfirmed_phone_number"].map(|member| customer[member].as_str().unwrap_or("+14185819999"));
    let mut traces: Vec<String> = numbers.iter().map(|number| number[2..].to_owned()).collect();
    traces.extend(["Canary", "canary@", "canarymail", "cus_test_"].map(str::to_owned));
    traces
}

fn assert_no_trace(what: &str, text: &str, traces: &[String]) {
    for trace in traces {
        assert!(!text.contains(trace.as_str()), "{trace} is in {what}");
    }
}

fn who_was_erased_is_not_there_and_his_number_is_free(kind: DatabaseKind) {
    let world = World::start(kind);
    let (customer, other) = (canary(&world), world.confirmed());
    let path = path_of(&customer);
    let tag = world.http.get(&path).header("etag").unwrap().to_owned();
    let stale = world.http.send("DELETE", &path, &[("If-Match", "\"1\"")], "");
    assert_problem(&stale, 412, "precondition_failed", "he is of a later version");
    assert_fields(&world.http.send("DELETE", &path, &[("If-Match", "1")], ""), &[("If-Match", "invalid")]);
    let erased = world.http.send("DELETE", &path, &[("If-Match", &tag)], "");
    assert_eq!((erased.status, erased.text.as_str()), (204, ""), "{erased:?}");
    for if_match in ["*", &tag] {
        let again = world.http.send("DELETE", &path, &[("If-Match", if_match)], "");
        assert_problem(&again, 404, "customer_not_found", "he was erased");
    }
    for below in ["", "/verification", "/export", "/addresses", "/card"] {
        let answer = world.http.get(&format!("{path}{below}"));
        assert_problem(&answer, 404, "customer_not_found", &format!("he was erased: {below}"));
    }
    assert_eq!(world.http.send("HEAD", &path, &[], "").status, 404);
    for (method, below, body) in [
        ("PATCH", "", json!({"first_name": "Yogi"})),
        ("PUT", "", json!({})),
        ("POST", "/confirm", json!({"confirmation_token": token_of(&customer)})),
        ("POST", "/generate_confirmation", json!({})),
        ("POST", "/verification/unlock", json!({})),
        ("POST", "/phone_number", new_customer(&number())),
        ("DELETE", "/phone_number", json!({})),
        ("DELETE", "/card", json!({})),
        ("DELETE", "/addresses/billing", json!({})),
        ("PUT", "/addresses/billing", serde_json::from_str(ADDRESS).unwrap()),
    ] {
        let answer = world.http.send_json(method, &format!("{path}{below}"), &body);
        assert_problem(&answer, 404, "customer_not_found", &format!("he was erased: {method} {below}"));
    }
    // Both of his numbers are somebody else's at once.
    for number in [&customer["phone_number"], &customer["unconfirmed_phone_number"]] {
        let answer = world.http.post("/v1/customers", &new_customer(number.as_str().unwrap()));
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_ne!(answer.json()["id"], customer["id"]);
        assert_eq!(world.confirm(&answer.json()).status, 200);
    }
    assert_eq!(world.events_of(&other).len(), 2, "nobody else is touched");
    assert_eq!(world.http.get(&path_of(&other)).json()["phone_number"], other["phone_number"]);
    // An unconfirmed one goes as well.
    let unconfirmed = world.create();
    erase(&world, &unconfirmed);
    let number = unconfirmed["unconfirmed_phone_number"].as_str().unwrap();
    assert_eq!(world.http.post("/v1/customers", &new_customer(number)).status, 201);
    assert_problem(
        &world.delete("/v1/customers/fffd7e80-1691-41f5-8946-9deeaf0b8640"),
        404,
        "customer_not_found",
        "nobody",
    );
    assert_problem(&world.delete("/v1/customers/7"), 404, "customer_not_found", "it is no id");
}

fn the_id_of_who_was_erased_is_never_used_again(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    let customer = world.confirmed();
    let path = path_of(&customer);
    // Some while he goes, some after it.
    let answers = at_once(12, |which| match which {
        0 => vec![world.delete(&path)],
        _ => (0..4).map(|_| clients[which % 2].post(&path, &new_customer(&number()))).collect(),
    });
    assert_eq!(answers[0][0].status, 204, "{:?}", answers[0]);
    for answer in answers.iter().skip(1).flatten() {
        assert_problem(answer, 409, "customer_id_taken", "he had it");
    }
    assert_problem(
        &post_once(&world.http, &path, "k", &new_customer(&number())),
        409,
        "customer_id_taken",
        "he had it",
    );
    let mut upper = path.clone();
    upper.replace_range(14.., &path[14..].to_uppercase());
    assert_problem(
        &world.http.post(&upper, &new_customer(&number())),
        409,
        "customer_id_taken",
        "it is spelled otherwise",
    );
    assert_eq!(world.http.get(&path).status, 404);
    assert_eq!(world.events_of(&customer).len(), 3);
}

fn a_key_that_reads_erases_nobody(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let refused = world.client_with_scope("read").send("DELETE", &path_of(&customer), &[], "");
    assert_problem(&refused, 403, "forbidden", "the key reads");
    assert_problem(
        &world.service.client().send("DELETE", &path_of(&customer), &[], ""),
        401,
        "unauthorized",
        "there is no key",
    );
    assert_eq!(world.http.get(&path_of(&customer)).status, 200);
}

fn of_many_who_erase_one_is_told_that_it_was_he(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    let customer = world.confirmed();
    let path = path_of(&customer);
    let answers = at_once(12, |which| clients[which % 2].send("DELETE", &path, &[], ""));
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1..].iter().all(|status| *status == 404)), (204, true), "{statuses:?}");
    assert_eq!(world.events_of(&customer).len(), 3);
}

fn a_repeat_of_what_was_done_for_him_finds_nobody(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = world.endpoint(&receiver.url());
    let body = new_customer(&number());
    let customer = post_once(&world.http, "/v1/customers", "create", &body).json();
    receiver.until_accepted(1, SOON);
    let deliveries = world.http.get(&format!("{endpoint}/deliveries")).json();
    let redeliver = format!("{endpoint}/deliveries/{}/redeliver", id_of(&deliveries[0]));
    // Nothing is locked: it changes nothing, and is answered again all the same.
    let (unlock, nothing) = (format!("{}/verification/unlock", path_of(&customer)), json!({}));
    assert_eq!(post_once(&world.http, &unlock, "unlock", &nothing).status, 200);
    assert_eq!(post_once(&world.http, &redeliver, "redeliver", &nothing).status, 202);
    let confirm = format!("{}/confirm", path_of(&customer));
    let wrong = json!({"confirmation_token": crate::world::other_token(token_of(&customer))});
    let right = json!({"confirmation_token": token_of(&customer)});
    assert_eq!(post_once(&world.http, &confirm, "wrong", &wrong).status, 422);
    assert_eq!(post_once(&world.http, &confirm, "right", &right).status, 200);
    erase(&world, &customer);
    for (path, key, body) in [
        ("/v1/customers", "create", &body),
        (&confirm, "wrong", &wrong),
        (&confirm, "right", &right),
        (&unlock, "unlock", &nothing),
        (&redeliver, "redeliver", &nothing),
    ] {
        for _ in 0..2 {
            assert_problem(&post_once(&world.http, path, key, body), 404, "customer_not_found", "he was erased");
        }
    }
    assert_problem(
        &post_once(&world.http, "/v1/customers", "create", &new_customer(&number())),
        422,
        "idempotency_key_reused",
        "the key was used",
    );
    assert_eq!(world.database.count("SELECT id FROM idempotency_records WHERE outcome IS NOT NULL"), 0);
    assert_eq!(world.http.post("/v1/customers", &body).status, 201, "another request is another customer");
}

fn his_events_say_only_that_they_were(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut stream = EventStream::open(&world.http, "/v1/events/stream", &[]).unwrap();
    let customer = canary(&world);
    let other = world.create();
    let before = world.events_of(&customer);
    let seen = stream.take(before.len() + 1, SOON);
    erase(&world, &customer);
    let after = world.events_of(&customer);
    let (erased, stubs) = after.split_last().unwrap();
    assert_eq!(stubs.len(), before.len());
    for (stub, event) in stubs.iter().zip(&before) {
        let data = json!({"sequence": event["data"]["sequence"], "erased": true});
        let expected = json!({"id": event["id"], "type": event["type"], "timestamp": event["timestamp"], "data": data});
        assert_eq!((stub, stub.to_string()), (&expected, expected.to_string()), "in this order");
        let path = format!("/v1/events/{}", event["id"].as_str().unwrap());
        let one = world.http.get(&path);
        assert_eq!((one.status, one.json()), (200, expected.clone()));
        assert_eq!(world.client_with_scope("read").get(&path).json(), expected);
    }
    assert_eq!(erased["type"], "customer.erased");
    assert_eq!(erased["data"], json!({"sequence": before.len() + 1, "customer_id": customer["id"]}));
    let reader = world.client_with_scope("read").get("/v1/events?limit=100");
    assert_eq!(reader.json().as_array().unwrap().len(), after.len() + 1);
    // Who listens is told, and who comes back sees what there is now.
    assert_eq!(stream.next(SOON).unwrap().json(), *erased);
    let first = seen[0].id.clone().unwrap();
    let mut stream = EventStream::open(&world.http, "/v1/events/stream", &[("Last-Event-ID", &first)]).unwrap();
    let again: Vec<Value> = stream.take(after.len(), SOON).iter().map(test_support::SseEvent::json).collect();
    let expected: Vec<Value> = world.events().into_iter().skip(1).collect();
    assert_eq!(again, expected);
    assert_eq!(expected.iter().filter(|event| event["data"]["customer"]["id"] == other["id"]).count(), 1);
    let listed = world.run(&["events", "list", "--limit", "100"]).stdout;
    assert!(listed.contains("customer.erased"), "{listed}");
    let as_json = world.run(&["events", "list", "--limit", "100", "--json"]).stdout;
    assert_no_trace("the list", &(listed + &as_json + &reader.text), &traces(&customer));
}

fn a_receiver_that_is_up_is_told_in_order(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = world.endpoint(&receiver.url());
    let body = r#"{"said":"Canaryanswer"}"#;
    receiver.answer(Answering::StatusWith { status: 200, headers: Vec::new(), body: body.to_owned() });
    let customer = canary(&world);
    let count = world.events_of(&customer).len();
    receiver.until_accepted(count, SOON);
    let deliveries = || world.http.get(&format!("{endpoint}/deliveries?limit=100"));
    until("what was answered is recorded", SOON, || {
        let all = deliveries();
        (all.text.matches("Canaryanswer").count() == count).then_some(())
    });
    erase(&world, &customer);
    receiver.until_accepted(count + 1, SOON);
    let seen: Vec<i64> =
        receiver.accepted().iter().map(|request| request.json()["data"]["sequence"].as_i64().unwrap()).collect();
    assert_eq!(seen, (1..).take(count + 1).collect::<Vec<_>>());
    let last = receiver.accepted().pop().unwrap();
    assert_eq!(last.json(), world.events().pop().unwrap());
    assert_no_trace("the end", &last.body, &traces(&customer));
    let all = until("the end is recorded", SOON, || {
        Some(deliveries()).filter(|all| all.json().as_array().unwrap().iter().all(|one| one["status"] == "accepted"))
    });
    let of_before: Vec<Value> =
        all.json().as_array().unwrap().iter().filter(|one| one["event_type"] != "customer.erased").cloned().collect();
    assert_eq!(of_before.len(), count, "that they were delivered stays");
    for delivery in of_before {
        assert_eq!(delivery["tries"][0]["answer"], Value::Null, "{delivery}");
    }
}

fn a_receiver_that_was_down_is_told_of_his_end_alone(kind: DatabaseKind) {
    // Nothing is on its way when he is erased: what is sent again is so after a while.
    let world = World::with(kind, &[("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "15s,5s,24h")]);
    let [receiver, deaf] = [(); 2].map(|()| TestReceiver::start());
    let endpoint = world.endpoint(&receiver.url());
    // One that does not want to know of ends is not told of anything any more.
    let types = json!({"url": deaf.url(), "event_types": ["verification"]});
    let types = world.http.post("/v1/webhook_endpoints", &types);
    assert_eq!(types.status, 201, "{types:?}");
    for receiver in [&receiver, &deaf] {
        receiver.down();
    }
    let (customer, other) = (canary(&world), world.create());
    for endpoint in [endpoint, format!("/v1/webhook_endpoints/{}", id_of(&types.json()))] {
        until("the first of each customer was tried", SOON, || {
            let all = world.http.get(&format!("{endpoint}/deliveries?limit=100")).json();
            let tried = |one: &&Value| !one["tries"].as_array().unwrap().is_empty();
            (all.as_array().unwrap().iter().filter(tried).count() >= 2).then_some(())
        });
    }
    erase(&world, &customer);
    for receiver in [&receiver, &deaf] {
        receiver.up();
    }
    receiver.until_accepted(2, SOON);
    deaf.until_accepted(1, SOON);
    let last = world.create();
    receiver.until_accepted(3, SOON);
    deaf.until_accepted(2, SOON);
    let mut seen: Vec<Value> = receiver.requests().iter().map(|request| request.json()["data"].clone()).collect();
    let erased = seen.iter().position(|data| data["customer_id"] == customer["id"]).unwrap();
    let erased = seen.remove(erased);
    assert_eq!(erased, world.events_of(&customer).pop().unwrap()["data"]);
    let others: Vec<&Value> = seen.iter().map(|data| &data["customer"]["id"]).collect();
    assert_eq!(others, [&other["id"], &last["id"]]);
    for request in receiver.requests().iter().chain(&deaf.requests()) {
        assert_no_trace("a request", &request.body, &traces(&customer));
    }
}

fn what_was_under_way_when_he_went_leaves_nothing(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = world.endpoint(&receiver.url());
    receiver.answer(Answering::Hang);
    let customer = canary(&world);
    receiver.until_count(1, SOON);
    erase(&world, &customer);
    // It says what it was sent.
    receiver.answer_by(|request, _| Answering::StatusWith {
        status: 200,
        headers: Vec::new(),
        body: request.body.clone(),
    });
    let other = world.create();
    receiver.until("his end and the other one arrive", SOON, |requests| {
        let arrived = |what: &str| requests.iter().any(|one| one.is_accepted() && one.body.contains(what));
        arrived("customer.erased") && arrived(id_of(&other))
    });
    let all = until("all is recorded", SOON, || {
        let all = world.http.get(&format!("{endpoint}/deliveries?limit=100"));
        all.json().as_array().unwrap().iter().all(|one| one["status"] == "accepted").then_some(all)
    });
    assert_no_trace("the list", &all.text, &traces(&customer));
    assert!(all.text.contains(id_of(&other)), "what others' receivers say is kept: {}", all.text);
}

fn delivering_again_sends_nothing_of_him(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = world.endpoint(&receiver.url());
    let (customer, other) = (world.confirmed(), world.confirmed());
    let recorded = |count: usize| {
        until("all is recorded", SOON, || {
            let all = world.http.get(&format!("{endpoint}/deliveries?status=accepted")).json();
            (all.as_array().unwrap().len() == count).then_some(all)
        })
    };
    // What has arrived and is not recorded yet goes with him, as what was not sent.
    recorded(4);
    erase(&world, &customer);
    let all = recorded(5);
    receiver.forget();
    for delivery in all.as_array().unwrap().iter().filter(|one| one["event_type"] == "verification") {
        let path = format!("{endpoint}/deliveries/{}/redeliver", delivery["id"].as_str().unwrap());
        let answer = world.http.post(&path, &json!({}));
        assert!(matches!(answer.status, 202 | 404 | 409), "{answer:?}");
    }
    let replay = world.http.post(&format!("{endpoint}/replay"), &json!({"since": "2020-01-01T00:00:00Z"}));
    assert_eq!(replay.status, 202, "{replay:?}");
    let last = world.create();
    receiver.until("all that is sent again has arrived", SOON, |requests| {
        let count = |what: &str| requests.iter().filter(|one| one.is_accepted() && one.body.contains(what)).count();
        count(id_of(&other)) == 4 && count("customer.erased") == 1 && count(id_of(&last)) == 1
    });
    let traces = [
        customer["phone_number"].as_str().unwrap()[2..].to_owned(),
        "\"confirmation_token\":\"".to_owned() + token_of(&customer),
    ];
    for request in receiver.requests() {
        assert_no_trace("a request", &request.body, &traces);
    }
}

const STREAM: &str = "CUSTOMERS";

/// Waits until the broker is told of a customer's end. What was purged before that is not read meanwhile: a reader who was
/// promised it would wait for it in vain.
fn until_told_of_his_end(nats: &NatsServer, customer: &Value) {
    let his = json!({ "subjects_filter": format!("customers.{}.>", id_of(customer)) });
    until("the broker is told of his end", Duration::from_mins(1), || {
        let info = nats.jetstream(&format!("STREAM.INFO.{STREAM}"), &his);
        info["state"]["subjects"].as_object()?.keys().any(|subject| subject.ends_with("erased")).then_some(())
    });
}

/// What the stream holds about a customer, once the last of it is his end.
fn until_ended(nats: &NatsServer, customer: &Value) -> Vec<Value> {
    until_told_of_his_end(nats, customer);
    let subject = format!("customers.{}.", id_of(customer));
    let all = nats.stream_messages(STREAM);
    let his: Vec<Value> =
        all.iter().filter(|one| one.subject.starts_with(&subject)).map(|one| one.json()["data"].clone()).collect();
    assert!(his.last().is_some_and(|event| event["type"] == "customer.erased"), "{his:?}");
    his
}

fn at_the_broker_his_end_alone_remains(kind: DatabaseKind) {
    let nats = NatsServer::start();
    let world = World::with(kind, &[("CUSTOMERS_NATS_URL", &nats.url())]);
    let (customer, other) = (canary(&world), world.confirmed());
    let count = world.events().len();
    until("all is published", SOON, || {
        let held = nats.stream_info(STREAM)?["state"]["messages"].as_u64()?;
        (held == u64::try_from(count).unwrap()).then_some(())
    });
    erase(&world, &customer);
    assert_eq!(until_ended(&nats, &customer), [world.events_of(&customer).pop().unwrap()]);
    let all = nats.stream_messages(STREAM);
    for message in &all {
        assert_no_trace("a message", &message.payload, &traces(&customer));
    }
    assert_eq!(all.iter().filter(|one| one.subject.contains(id_of(&other))).count(), 2, "others' stay");
}

fn a_broker_that_was_down_is_told_of_his_end_alone(kind: DatabaseKind) {
    let nats = NatsServer::start();
    let world = World::with(kind, &[("CUSTOMERS_NATS_URL", &nats.url())]);
    let published = world.confirmed();
    until("all is published", SOON, || (nats.stream_info(STREAM)?["state"]["messages"].as_u64()? == 2).then_some(()));
    nats.kill();
    let unpublished = canary(&world);
    for customer in [&published, &unpublished] {
        erase(&world, customer);
    }
    nats.start_again();
    for customer in [&published, &unpublished] {
        until_told_of_his_end(&nats, customer);
    }
    for customer in [&published, &unpublished] {
        assert_eq!(until_ended(&nats, customer), [world.events_of(customer).pop().unwrap()]);
    }
    assert_eq!(nats.stream_messages(STREAM).len(), 2);
}

fn pages_that_he_had_open_end(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.confirmed();
    let open = links(&world, &path_of(&customer));
    let [billing, _, card] = [0, 1, 2].map(|which| Visitor::open(&world, &open[which]));
    let begun = begin(&card);
    erase(&world, &customer);
    for link in &open {
        let page = world.service.client().get(link);
        assert_page(&page, if page.status == 404 { 404 } else { 410 });
    }
    let fields = [
        ("name", "Yogi"),
        ("line1", "Rua Augusta 1"),
        ("postal_code", "1100-048"),
        ("city", "Lisboa"),
        ("country", "PT"),
    ];
    for answer in [billing.post(&fields), finish(&card), card.post(&[("action", "begin")]), billing.reload()] {
        assert_page(&answer, if answer.status == 404 { 404 } else { 410 });
    }
    assert_ne!(begun, "");
    assert_eq!(world.database.count("SELECT * FROM addresses"), 0);
    assert_eq!(world.database.count("SELECT * FROM links"), 0);
    assert!(!world.service.logs().contains("ERROR"), "{}", world.service.logs());
}

fn nothing_of_him_is_left_in_the_database_and_the_log(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "trace")]);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    receiver.answer_by(|request, _| Answering::StatusWith {
        status: 200,
        headers: Vec::new(),
        body: request.body.clone(),
    });
    let customers: Vec<Value> = (0..3).map(|_| canary(&world)).collect();
    let mut all: Vec<String> = customers.iter().flat_map(traces).collect();
    all.sort_unstable();
    all.dedup();
    // Enough of others' around his that pages are written over and over.
    let others: Vec<Value> = (0..20).map(|_| world.create()).collect();
    receiver.until_accepted(world.events().len(), SOON);
    for customer in &customers {
        for below in ["/export", "/addresses", "/card", "/verification"] {
            assert_eq!(world.http.get(&format!("{}{below}", path_of(customer))).status, 200);
        }
    }
    let dump = world.database.dump();
    for trace in all.iter().filter(|trace| *trace != "canarymail") {
        assert!(dump.contains(trace.as_str()), "{trace} was never there");
    }
    for customer in &customers {
        erase(&world, customer);
    }
    let is_clean = || {
        let dump = world.database.dump();
        all.iter().all(|trace| !dump.contains(trace.as_str())).then_some(dump)
    };
    let dump = until("all is gone", SOON, is_clean);
    assert!(dump.contains(others[0]["unconfirmed_phone_number"].as_str().unwrap()), "others stay");
    for table in ["addresses", "cards", "provider_customers", "links"] {
        assert_eq!(world.database.count(&format!("SELECT * FROM {table}")), 0, "{table}");
    }
    // And it does not come back with what is written next, or with a start.
    world.create();
    assert!(until("it stays so", SOON, is_clean).len() > 100);
    world.http.send("GET", "/healthz", &[("X-Request-Id", "the-last-one")], "");
    world.until_logged("the last request", |logs| logs.contains("the-last-one"));
    let logs = world.service.logs();
    assert_no_trace("the log", &logs, &all);
    let erasure = logs.lines().find(|line| line.contains("a customer was erased")).unwrap();
    assert!(erasure.contains(id_of(&customers[0])) && erasure.contains("key_id="), "{erasure}");
}

fn whatever_is_written_about_him_meanwhile_goes_with_him(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    let other = world.another();
    let clients = [world.http.clone(), other.client().with_key(&world.key)];
    for _ in 0..3 {
        let customer = world.confirmed();
        let path = path_of(&customer);
        let is_erased = AtomicBool::new(false);
        let answers: Vec<Vec<Answer>> = at_once(8, |which| {
            let http = &clients[which % 2];
            let mut answers = Vec::new();
            for turn in 0..40 {
                let answer = match which {
                    0 if turn < 5 => http.get(&format!("{path}/verification")),
                    0 => http.send("DELETE", &path, &[], ""),
                    1 => http.get(&path),
                    2 => http.send(
                        "PUT",
                        &format!("{path}/addresses/billing"),
                        &[("Content-Type", "application/json")],
                        ADDRESS,
                    ),
                    3 => post_once(
                        http,
                        &format!("{path}/phone_number"),
                        &format!("{path} {turn}"),
                        &new_customer(&number()),
                    ),
                    _ => http.patch(&path, &json!({"first_name": format!("Canary {which} {turn}")})),
                };
                if answer.status == 404 || (which == 0 && answer.status == 204) {
                    is_erased.store(true, Ordering::Relaxed);
                    answers.push(answer);
                    break;
                }
                answers.push(answer);
            }
            answers
        });
        assert!(is_erased.load(Ordering::Relaxed));
        for answer in answers.iter().flatten() {
            assert!(matches!(answer.status, 200 | 204 | 404 | 503), "{answer:?}");
        }
        assert_eq!(world.http.get(&path).status, 404);
        assert_eq!(world.events_of(&customer).pop().unwrap()["type"], "customer.erased");
    }
    until("nothing of him is left", SOON, || (!world.database.dump().contains("Canary")).then_some(()));
    for table in ["customers", "phone_number_claims", "addresses", "links"] {
        assert_eq!(world.database.count(&format!("SELECT * FROM {table}")), 0, "{table}");
    }
    assert_eq!(world.database.count("SELECT id FROM idempotency_records WHERE outcome IS NOT NULL"), 0);
    receiver.until("each end is told", SOON, |requests| {
        requests.iter().filter(|one| one.is_accepted() && one.body.contains("customer.erased")).count() >= 3
    });
}

/// Copies the files of an SQLite database that nobody has open.
fn copy_database(from: &str, to: &str) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{to}{suffix}"));
        if fs::exists(format!("{from}{suffix}")).unwrap() {
            fs::copy(format!("{from}{suffix}"), format!("{to}{suffix}")).unwrap();
        }
    }
}

#[test]
fn after_a_restore_who_was_erased_is_erased_again() {
    let mut world = World::start(DatabaseKind::Sqlite);
    let file = world.database.url().trim_start_matches("sqlite:").to_owned();
    let backup = tempfile::tempdir().unwrap();
    let backup = backup.path().join("backup.db").to_str().unwrap().to_owned();
    let (before, stays) = (canary(&world), world.confirmed());
    world.service.kill();
    copy_database(&file, &backup);
    world.start_again();
    let after = world.confirmed();
    for customer in [&before, &after] {
        erase(&world, customer);
    }
    let list = world.run(&["erasures", "list"]).stdout;
    let mut ids: Vec<&str> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    ids.sort_unstable();
    let mut expected = [id_of(&before), id_of(&after)];
    expected.sort_unstable();
    assert_eq!(ids, expected, "{list}");
    assert!(list.lines().all(|line| line.ends_with('Z')), "{list}");

    world.service.kill();
    copy_database(&backup, &file);
    world.start_again();
    assert_eq!(world.http.get(&path_of(&before)).status, 200, "the backup has him");
    assert_eq!(world.run(&["erasures", "list"]).stdout, "");
    for unusable in ["nobody\n", &format!("{list}x\n")] {
        let refused = world.run_with_input(&["erasures", "apply"], unusable);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert_eq!(world.http.get(&path_of(&before)).status, 200, "all or nothing");
    }
    let applied = world.run_with_input(&["erasures", "apply"], &list);
    assert!(applied.status.success(), "{applied:?}");
    assert_eq!(world.http.get(&path_of(&before)).status, 404);
    assert_eq!(world.http.get(&path_of(&stays)).status, 200);
    assert_eq!(world.events_of(&before).pop().unwrap()["type"], "customer.erased");
    for customer in [&before, &after] {
        let answer = world.http.post(&path_of(customer), &new_customer(&number()));
        assert_problem(&answer, 409, "customer_id_taken", "he had it");
    }
    let number = before["phone_number"].as_str().unwrap();
    let traces = traces(&before);
    until("nothing of him is left", SOON, || {
        let dump = world.database.dump();
        traces.iter().all(|trace| !dump.contains(trace.as_str())).then_some(())
    });
    assert_eq!(world.http.post("/v1/customers", &new_customer(number)).status, 201);
    let ids_of = |list: &str| -> Vec<String> {
        list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
    };
    let now = world.run(&["erasures", "list"]).stdout;
    assert_eq!(ids_of(&now), ids_of(&list));
    let again = world.run_with_input(&["erasures", "apply"], &now);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(world.events_of(&before).len(), 6);
}
