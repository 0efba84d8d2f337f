//! No card number is ever stored or logged, whatever field somebody types it into.

use serde_json::{Value, json};
use test_support::DatabaseKind;

use crate::visitor::{Visitor, links};
use crate::world::{World, new_customer, number, path_of};

crate::on_both_databases!(a_card_number_is_refused_in_every_field_and_found_nowhere);

/// Spellings of test numbers, and what all of them have in common with what would be stored.
const SPELLINGS: [&str; 6] = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "my card is 5555-5555-5555-4444 ok",
    "3782.822463.10005",
    "４０００００２５００００３１５５",
    "6011 0009 9013 9424",
];

fn a_card_number_is_refused_in_every_field_and_found_nowhere(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG", "trace")]);
    let created = world.create();
    let customer = path_of(&created);
    let [billing, shipping, _] = links(&world, &customer);
    let visitors = [Visitor::open(&world, &billing), Visitor::open(&world, &shipping)];
    let mut refusals = 0;
    for spelling in SPELLINGS {
        let mut refused = |answer: &test_support::Answer, field: &str| {
            assert_eq!(answer.status, 422, "{field} {spelling}: {answer:?}");
            let errors = answer.json()["errors"].clone();
            assert_eq!((&errors[0]["field"], errors.as_array().unwrap().len()), (&json!(field), 1), "{errors}");
            refusals += 1;
            errors[0]["detail"].as_str().unwrap().to_owned()
        };
        for field in ["first_name", "last_name"] {
            let mut body = new_customer(&number());
            body[field] = json!(spelling);
            let detail = refused(&world.http.post("/v1/customers", &body), field);
            assert!(detail.contains("card number"), "{detail}");
            refused(&world.http.patch(&customer, &json!({field: spelling})), field);
        }
        let email = format!("{}@example.com", spelling.replace(' ', ""));
        let mut body = new_customer(&number());
        body["email"] = json!(email);
        refused(&world.http.post("/v1/customers", &body), "email");
        refused(&world.http.patch(&customer, &json!({"email": email})), "email");
        let address = json!({
            "name": "Yogi Berra", "line1": "8 rue Cler", "postal_code": "75007", "city": "Paris", "country": "FR",
        });
        for field in ["name", "company", "line1", "line2", "city", "region", "postal_code"] {
            let mut wrong = address.clone();
            wrong[field] = json!(spelling);
            refused(&world.http.send_json("PUT", &format!("{customer}/addresses/billing"), &wrong), field);
            let fields: Vec<(&str, &str)> = wrong
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
                .collect();
            for visitor in &visitors {
                assert_eq!(visitor.post(&fields).status, 422, "{field} {spelling}");
            }
        }
        let endpoint = json!({
            "url": "http://127.0.0.1:9/", "event_types": ["verification"], "description": spelling,
        });
        refused(&world.http.post("/v1/webhook_endpoints", &endpoint), "description");
        assert_eq!(world.try_run(&["keys", "create", "--name", spelling]).status.code(), Some(2));
    }
    assert_eq!(refusals, SPELLINGS.len() * 14);
    world.http.send("GET", "/healthz", &[("X-Request-Id", "the-last-one")], "");
    world.until_logged("the last request", |logs| logs.contains("the-last-one"));
    let stored = world.database.dump();
    assert!(stored.contains(created["unconfirmed_phone_number"].as_str().unwrap()), "the dump is of this database");
    for text in [stored, world.service.logs()] {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
        for number in
            ["4242424242424242", "5555555555554444", "378282246310005", "6011000990139424", "４０００００２５"]
        {
            assert!(!digits.contains(number), "{number} is stored or logged");
        }
    }
    assert_eq!(world.http.get(&format!("{customer}/addresses")).json()["billing"], Value::Null);
}
