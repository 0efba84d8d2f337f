//! `GET /v1/customers/{customer_id}/export`: all that is kept about a customer.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{DatabaseKind, TestReceiver};

use crate::cards::with_test_card;
use crate::errors::assert_problem;
use crate::visitor::{LINKS, links};
use crate::world::{World, new_customer, number, path_of, token_of, until};

crate::on_both_databases!(
    all_that_was_put_in_comes_out,
    who_has_little_gets_a_document_of_the_same_members,
    a_key_that_reads_gets_no_token,
    a_long_story_is_told_to_its_end,
    who_is_not_there_is_not_exported,
);

const SOON: Duration = Duration::from_mins(1);
const MEMBERS: [&str; 10] = [
    "customer",
    "verification",
    "proof",
    "addresses",
    "card",
    "card_at_provider",
    "card_provider_customer",
    "links",
    "events",
    "deliveries",
];

fn export(world: &World, customer: &Value) -> Value {
    let answer = world.http.get(&format!("{}/export", path_of(customer)));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    let members: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, MEMBERS);
    document
}

fn all_that_was_put_in_comes_out(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    let endpoint = world.endpoint(&receiver.url());
    let stranger = world.confirmed();
    let body = json!({
        "unconfirmed_phone_number": number(), "country_code": "CA", "first_name": "Yogi", "last_name": "Berra",
        "email": "yogi@example.com",
    });
    let customer = world.http.post("/v1/customers", &body).json();
    let path = path_of(&customer);
    assert_eq!(world.confirm(&customer).status, 200);
    let mut addresses = Vec::new();
    for (purpose, line) in [("billing", "Rua Augusta 1"), ("shipping", "Rua Augusta 2")] {
        let address =
            json!({"name": "Yogi", "line1": line, "postal_code": "1100-048", "city": "Lisboa", "country": "PT"});
        let answer = world.http.send_json("PUT", &format!("{path}/addresses/{purpose}"), &address);
        assert_eq!(answer.status, 200, "{answer:?}");
        addresses.push(answer.json());
    }
    with_test_card(&world, &path);
    let codes = links(&world, &path);
    let changing = world.change_number(&customer, &number()).json();
    let events = world.events_of(&customer);
    let deliveries = until("all is delivered", SOON, || {
        let all = world.http.get(&format!("{endpoint}/deliveries?status=accepted&limit=100")).json();
        let his: Vec<Value> =
            all.as_array().unwrap().iter().rev().filter(|one| one["customer_id"] == customer["id"]).cloned().collect();
        (his.len() == events.len()).then_some(his)
    });

    let document = export(&world, &customer);
    let mut object = world.http.get(&path).json();
    for link in LINKS {
        object[link] = Value::Null;
    }
    assert_eq!(document["customer"], object);
    assert_eq!(document["customer"]["confirmation_token"], changing["confirmation_token"]);
    assert_eq!(document["verification"], world.http.get(&format!("{path}/verification")).json());
    assert_eq!(document["addresses"], world.http.get(&format!("{path}/addresses")).json());
    assert_eq!(document["addresses"]["billing"]["line1"], "Rua Augusta 1");
    assert_eq!(document["addresses"]["shipping"]["line1"], "Rua Augusta 2");
    assert_eq!(document["card"], world.http.get(&format!("{path}/card")).json());
    assert!(document["card_provider_customer"].is_string(), "{document}");
    let at_provider = &document["card_at_provider"];
    assert_eq!(at_provider["provider"], "test");
    assert!(held_setups(&document).contains(&&at_provider["setup"]), "{document}");
    let proof = &document["proof"];
    assert_eq!(proof["held_token"], customer["confirmation_token"], "with which he proved the number that is his");
    assert!(proof["change_requested_at"].is_string() && proof["last_token_at"].is_string(), "{proof}");
    assert_eq!(proof["number_tokens"].as_array().map(Vec::len), Some(1), "{proof}");
    assert_eq!(document["events"], json!(events));
    assert_eq!(document["deliveries"], json!(deliveries));
    let held = document["links"].as_array().unwrap();
    let mut purposes: Vec<&str> = held.iter().map(|link| link["purpose"].as_str().unwrap()).collect();
    purposes.sort_unstable();
    assert_eq!(purposes, ["billing_address", "card", "card", "shipping_address"]);
    for link in held {
        let members: Vec<&str> = link.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["purpose", "created_at", "expires_at", "revoked_at", "card_setup"]);
        assert!(link["expires_at"].as_str() > link["created_at"].as_str(), "{link}");
    }
    assert_eq!(held.iter().filter(|link| link["revoked_at"].is_string()).count(), 1, "one was used up");
    let text = document.to_string();
    for code in codes {
        assert!(!text.contains(code.trim_start_matches("/l/")), "who reads this may not open his pages");
    }
    for others in ["id", "phone_number"] {
        assert!(!text.contains(stranger[others].as_str().unwrap()), "{others}");
    }
    assert_eq!(addresses.len(), 2);
    assert_eq!(world.events_of(&customer), events, "to look changes nothing");
}

fn held_setups(document: &Value) -> Vec<&Value> {
    document["links"].as_array().unwrap().iter().map(|link| &link["card_setup"]).collect()
}

fn who_has_little_gets_a_document_of_the_same_members(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    let document = export(&world, &customer);
    assert_eq!(document["customer"], customer);
    assert_eq!(document["addresses"], json!({"billing": null, "shipping": null}));
    assert_eq!((&document["card"], &document["card_provider_customer"]), (&Value::Null, &Value::Null));
    assert_eq!((&document["links"], &document["deliveries"]), (&json!([]), &json!([])));
    assert_eq!(document["events"], json!(world.events()));
}

fn a_key_that_reads_gets_no_token(kind: DatabaseKind) {
    let world = World::start(kind);
    let receiver = TestReceiver::start();
    world.endpoint(&receiver.url());
    // It says what it was sent, tokens included.
    receiver.answer_by(|request, _| test_support::Answering::StatusWith {
        status: 200,
        headers: Vec::new(),
        body: request.body.clone(),
    });
    let customer = world.confirmed();
    let changing = world.change_number(&customer, &number()).json();
    until("all is delivered", SOON, || {
        let deliveries = export(&world, &customer)["deliveries"].clone();
        let accepted = deliveries.as_array().unwrap().iter().filter(|one| one["status"] == "accepted").count();
        (accepted == 3).then_some(())
    });
    let path = format!("{}/export", path_of(&customer));
    let answer = world.client_with_scope("read").get(&path);
    assert_eq!(answer.status, 200, "{answer:?}");
    for token in [token_of(&customer), token_of(&changing)] {
        assert!(!answer.text.contains(&format!("\"{token}\"")), "{token}: {}", answer.text);
        assert!(!answer.text.contains(&format!("\\\"{token}\\\"")), "{token}: {}", answer.text);
    }
    let (shown, all) = (answer.json(), export(&world, &customer));
    assert_eq!(shown["customer"]["confirmation_token"], Value::Null);
    for (shown, event) in shown["events"].as_array().unwrap().iter().zip(all["events"].as_array().unwrap()) {
        let mut expected = event.clone();
        expected["data"]["customer"]["confirmation_token"] = Value::Null;
        if expected["data"].get("confirmation_token").is_some() {
            expected["data"]["confirmation_token"] = Value::Null;
        }
        assert_eq!(*shown, expected, "nothing else is hidden");
    }
    assert_eq!(shown["addresses"], all["addresses"]);
}

fn a_long_story_is_told_to_its_end(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = world.create();
    for turn in 0..210 {
        let answer = world.http.patch(&path_of(&customer), &json!({"first_name": format!("Yogi {turn}")}));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let document = export(&world, &customer);
    let sequences: Vec<i64> = document["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["data"]["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=211).collect::<Vec<_>>());
}

fn who_is_not_there_is_not_exported(kind: DatabaseKind) {
    let world = World::start(kind);
    for unknown in ["fffd7e80-1691-41f5-8946-9deeaf0b8640", "7"] {
        let answer = world.http.get(&format!("/v1/customers/{unknown}/export"));
        assert_problem(&answer, 404, "customer_not_found", unknown);
    }
    let customer = world.create();
    let path = format!("{}/export", path_of(&customer));
    assert_problem(&world.service.client().get(&path), 401, "unauthorized", "there is no key");
    let refused = world.http.post(&path, &new_customer(&number()));
    assert_problem(&refused, 405, "method_not_allowed", "it is only read");
    assert!(refused.header("allow").is_some_and(|allow| allow.contains("GET")), "{refused:?}");
}
