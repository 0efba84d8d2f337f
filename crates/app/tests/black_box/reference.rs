//! Every curl line and every example of the API's reference, sent as printed there.

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::world::World;

crate::on_both_databases!(
    a_customer_is_created_under_the_callers_id_as_the_curl_line_shows,
    a_customer_is_created_with_names_and_email_as_the_client_shows,
    a_customer_is_retrieved_with_three_links,
    whether_he_is_there_can_be_asked_without_making_links,
    a_customer_is_updated_by_put_and_by_patch,
    a_customer_is_confirmed_and_only_once,
    a_new_token_is_generated_with_a_json_content_type_and_no_body,
);

const ID: &str = "fffd7e80-1691-41f5-8946-9deeaf0b8640";

/// The fifteen members, in the reference's order.
const MEMBERS: [&str; 15] = [
    "id",
    "phone_number",
    "unconfirmed_phone_number",
    "country_code",
    "email",
    "first_name",
    "last_name",
    "confirmation_token",
    "billing_address_url",
    "shipping_address_url",
    "card_url",
    "confirmed_at",
    "confirmation_sent_at",
    "created_at",
    "updated_at",
];

fn send(world: &World, method: &str, path: &str, body: &str) -> Answer {
    world.http.send(method, path, &[("Content-Type", "application/json")], body.to_owned())
}

fn create_as_printed(world: &World) -> Value {
    let body = "{\n  \"unconfirmed_phone_number\": \"333-333-333\",\n  \"country_code\": \"US\"\n}";
    let answer = send(world, "POST", &format!("/v1/customers/{ID}"), body);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("location"), Some(format!("/v1/customers/{ID}").as_str()));
    answer.json()
}

fn is_timestamp(value: &Value) -> bool {
    let shape: String =
        value.as_str().unwrap_or_default().chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    shape == "9999-99-99T99:99:99.999Z"
}

fn a_customer_is_created_under_the_callers_id_as_the_curl_line_shows(kind: DatabaseKind) {
    let customer = create_as_printed(&World::start(kind));
    let members: Vec<&str> = customer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, MEMBERS);
    assert_eq!(customer["id"], ID);
    assert_eq!(customer["phone_number"], Value::Null);
    assert_eq!(customer["unconfirmed_phone_number"], "+1333333333");
    assert_eq!(customer["country_code"], "US");
    let token = customer["confirmation_token"].as_str().unwrap();
    assert!(token.len() == 6 && token.bytes().all(|b| b.is_ascii_digit()), "{token}");
    for member in ["billing_address_url", "shipping_address_url", "card_url", "confirmed_at", "confirmation_sent_at"] {
        assert_eq!(customer[member], Value::Null, "{member}");
    }
    assert!(is_timestamp(&customer["created_at"]), "{customer}");
    assert_eq!(customer["updated_at"], customer["created_at"]);
}

fn a_customer_is_created_with_names_and_email_as_the_client_shows(kind: DatabaseKind) {
    let world = World::start(kind);
    let body = json!({
        "unconfirmed_phone_number": "333-333-333",
        "country_code": "US",
        "first_name": "Yogi",
        "last_name": "Berra",
        "email": "yogi@berra.com",
    });
    let answer = world.http.post("/v1/customers", &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    let customer = answer.json();
    assert_eq!(customer["first_name"], "Yogi");
    assert_eq!(customer["last_name"], "Berra");
    assert_eq!(customer["email"], "yogi@berra.com");
    assert_eq!(&customer["id"].as_str().unwrap()[14..15], "7", "the service's own ids are version 7 UUIDs");
}

fn a_customer_is_retrieved_with_three_links(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = create_as_printed(&world);
    let answer = world.http.get(&format!("/v1/customers/{ID}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut customer = answer.json();
    for member in ["billing_address_url", "shipping_address_url", "card_url"] {
        let url = customer[member].as_str().unwrap().to_owned();
        let code = url.strip_prefix(&world.service.url("/l/")).unwrap();
        assert!((11..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()), "{url}");
        customer[member] = Value::Null;
    }
    assert_eq!(customer, created, "but for the links it is the customer that was created");
}

fn whether_he_is_there_can_be_asked_without_making_links(kind: DatabaseKind) {
    let world = World::start(kind);
    create_as_printed(&world);
    let head = world.http.send("HEAD", &format!("/v1/customers/{ID}"), &[], "");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(world.database.count("SELECT id FROM links"), 0);
    world.http.get(&format!("/v1/customers/{ID}"));
    assert_eq!(world.database.count("SELECT id FROM links"), 3);
}

fn a_customer_is_updated_by_put_and_by_patch(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = create_as_printed(&world);
    for (method, email) in [("PUT", "yogi@berra.com"), ("PATCH", "lawrence@berra.com")] {
        let body = format!("{{\n  \"email\": \"{email}\"\n}}");
        let answer = send(&world, method, &format!("/v1/customers/{ID}"), &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let customer = answer.json();
        assert_eq!(customer["email"], email);
        assert_eq!(customer["created_at"], created["created_at"]);
        assert!(customer["updated_at"].as_str() >= created["updated_at"].as_str());
        assert_eq!(customer["card_url"], Value::Null);
    }
}

fn a_customer_is_confirmed_and_only_once(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = create_as_printed(&world);
    let body = format!("{{\n  \"confirmation_token\": {}\n}}", created["confirmation_token"]);
    let answer = send(&world, "POST", &format!("/v1/customers/{ID}/confirm"), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let customer = answer.json();
    assert_eq!(customer["phone_number"], "+1333333333");
    assert_eq!(customer["unconfirmed_phone_number"], "+1333333333");
    assert_eq!(customer["confirmation_token"], created["confirmation_token"]);
    assert!(is_timestamp(&customer["confirmed_at"]), "{customer}");
    assert_eq!(customer["confirmation_sent_at"], Value::Null);

    let again = send(&world, "POST", &format!("/v1/customers/{ID}/confirm"), &body);
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("already_confirmed")));
    let token = send(&world, "POST", &format!("/v1/customers/{ID}/generate_confirmation"), "");
    assert_eq!((token.status, &token.json()["code"]), (409, &json!("already_confirmed")));
}

fn a_new_token_is_generated_with_a_json_content_type_and_no_body(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = create_as_printed(&world);
    let answer = send(&world, "POST", &format!("/v1/customers/{ID}/generate_confirmation"), "");
    assert_eq!((answer.status, answer.text.as_str()), (201, ""), "{answer:?}");
    let events = world.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["data"]["reason"], "regenerated");
    assert_eq!(events[1]["data"]["sequence"], 2);
    let token = &events[1]["data"]["confirmation_token"];
    assert_ne!(token, &created["confirmation_token"], "(one run in a million draws the same token twice)");
    let confirmed = world.http.post(&format!("/v1/customers/{ID}/confirm"), &json!({"confirmation_token": token}));
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
}
