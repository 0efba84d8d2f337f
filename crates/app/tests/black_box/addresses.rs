//! A customer's addresses over the API, and the events of what is kept about him.

use serde_json::{Value, json};
use test_support::{Answer, DatabaseKind};

use crate::world::{World, path_of, token_of};

crate::on_both_databases!(
    addresses_are_saved_read_and_removed,
    each_save_is_an_event_that_holds_no_address,
    an_address_is_read_by_the_rules_of_its_country,
    all_that_is_wrong_with_an_address_is_told_at_once,
    what_is_not_there_is_not_found,
    a_read_key_reads_and_does_not_write,
    an_update_of_the_profile_is_an_event_that_names_what_changed,
    saves_at_once_are_each_an_event_and_the_last_one_stays,
);

fn paris() -> Value {
    json!({
        "name": "Yogi Berra", "company": null, "line1": "8 rue Cler", "line2": null, "postal_code": "75007",
        "city": "Paris", "region": null, "country": "FR",
    })
}

fn montreal() -> Value {
    json!({
        "name": "Yogi Berra", "company": "Dirty Lemon", "line1": "1000, rue de la Gauchetière Ouest", "line2": "24e",
        "postal_code": "H3B 4W5", "city": "Montréal", "region": "QC", "country": "CA",
    })
}

fn put(world: &World, customer: &str, purpose: &str, address: &Value) -> Answer {
    world.http.send_json("PUT", &format!("{customer}/addresses/{purpose}"), address)
}

fn addresses(world: &World, customer: &str) -> Value {
    let answer = world.http.get(&format!("{customer}/addresses"));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    answer.json()
}

fn updates(world: &World) -> Vec<Value> {
    world.events().into_iter().filter(|event| event["type"] == "customer.updated").collect()
}

fn addresses_are_saved_read_and_removed(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    assert_eq!(addresses(&world, &customer), json!({"billing": null, "shipping": null}));
    let saved = put(&world, &customer, "billing", &paris());
    assert_eq!((saved.status, saved.json()), (200, paris()), "{saved:?}");
    assert_eq!(put(&world, &customer, "shipping", &montreal()).json(), montreal());
    assert_eq!(addresses(&world, &customer), json!({"billing": paris(), "shipping": montreal()}));
    assert_eq!(put(&world, &customer, "shipping", &paris()).status, 200);
    assert_eq!(addresses(&world, &customer)["shipping"], paris(), "replaced, and nothing of the old one is left");
    let removed = world.http.send("DELETE", &format!("{customer}/addresses/billing"), &[], "");
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_eq!(addresses(&world, &customer), json!({"billing": null, "shipping": paris()}));
    let object = world.http.get(&customer).json();
    assert_eq!(object.as_object().unwrap().len(), 15, "the customer object keeps its members: {object}");
}

fn each_save_is_an_event_that_holds_no_address(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = world.create();
    let customer = path_of(&created);
    put(&world, &customer, "billing", &paris());
    put(&world, &customer, "billing", &paris());
    put(&world, &customer, "shipping", &montreal());
    world.http.send("DELETE", &format!("{customer}/addresses/billing"), &[], "");
    let events = updates(&world);
    let changed: Vec<&Value> = events.iter().map(|event| &event["data"]["changed"]).collect();
    assert_eq!(changed, [&json!(["billing_address"]), &json!(["shipping_address"]), &json!(["billing_address"])]);
    let sequences: Vec<&Value> = events.iter().map(|event| &event["data"]["sequence"]).collect();
    assert_eq!(sequences, [2, 3, 4], "what was kept already is no change");
    assert_eq!(events[0]["data"]["customer"]["id"], created["id"]);
    for event in &events {
        let text = event.to_string();
        assert!(!text.contains("Cler") && !text.contains("Gauchet"), "{text}");
        let members: Vec<&String> = event["data"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["sequence", "changed", "customer"]);
    }
    // The event tells of the customer as he was stored with it.
    let last = &events[2]["data"]["customer"];
    assert_eq!(last["updated_at"], world.http.get(&customer).json()["updated_at"]);
}

fn an_address_is_read_by_the_rules_of_its_country(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let mut spelled = montreal();
    spelled["postal_code"] = json!("  h3b4w5 ");
    spelled["region"] = json!("québec");
    spelled["country"] = json!("ca");
    assert_eq!(put(&world, &customer, "billing", &spelled).json(), montreal());
    let hong_kong = json!({"name": "Yogi Berra", "line1": "1 Queen's Road", "region": "Kowloon", "country": "HK"});
    let saved = put(&world, &customer, "billing", &hong_kong);
    assert_eq!((saved.status, &saved.json()["postal_code"]), (200, &Value::Null), "{saved:?}");
}

fn all_that_is_wrong_with_an_address_is_told_at_once(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let wrong = |body: &Value| {
        let refused = put(&world, &customer, "billing", body);
        assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("invalid_parameters")), "{refused:?}");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        let mut errors: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        errors.sort_unstable();
        errors
    };
    assert_eq!(
        wrong(&json!({"line1": "\u{7}", "city": "x".repeat(256), "postal_code": "7500", "country": "FR", "zip": "1"})),
        ["city too_long", "line1 invalid", "name missing", "postal_code invalid", "zip unknown"]
    );
    assert_eq!(
        wrong(&json!({"name": 7, "line1": "1 Main St", "country": "US"})),
        ["city missing", "name wrong_type", "postal_code missing", "region missing"]
    );
    assert_eq!(wrong(&json!({"name": "Yogi", "country": "XX"})), ["country invalid"]);
    assert_eq!(wrong(&json!({})), ["country missing"]);
    assert_eq!(addresses(&world, &customer), json!({"billing": null, "shipping": null}));
    assert_eq!(updates(&world), Vec::<Value>::new());
}

fn what_is_not_there_is_not_found(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let code = |answer: &Answer| (answer.status, answer.json()["code"].as_str().unwrap().to_owned());
    let delete = |path: &str| world.http.send("DELETE", path, &[], "");
    let stranger = "/v1/customers/00000000-0000-4000-8000-000000000000";
    assert_eq!(code(&world.http.get(&format!("{stranger}/addresses"))), (404, "customer_not_found".into()));
    assert_eq!(code(&put(&world, stranger, "billing", &paris())), (404, "customer_not_found".into()));
    assert_eq!(code(&delete(&format!("{stranger}/addresses/billing"))), (404, "customer_not_found".into()));
    assert_eq!(code(&world.http.get("/v1/customers/me/addresses")), (404, "customer_not_found".into()));
    assert_eq!(code(&put(&world, &customer, "home", &paris())), (404, "route_not_found".into()));
    assert_eq!(code(&delete(&format!("{customer}/addresses/billing"))), (404, "address_not_found".into()));
    assert_eq!(code(&world.http.get(&format!("{customer}/card"))), (404, "card_not_found".into()));
    assert_eq!(code(&delete(&format!("{customer}/card"))), (404, "card_not_found".into()));
    assert_eq!(code(&world.http.get(&format!("{stranger}/card"))), (404, "customer_not_found".into()));
    let refused = world.http.post(&format!("{customer}/addresses/billing"), &paris());
    assert_eq!((refused.status, refused.header("allow")), (405, Some("PUT, DELETE")));
}

fn a_read_key_reads_and_does_not_write(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    put(&world, &customer, "billing", &paris());
    let reader = world.client_with_scope("read");
    assert_eq!(reader.get(&format!("{customer}/addresses")).json()["billing"], paris());
    let path = format!("{customer}/addresses/billing");
    assert_eq!(reader.send_json("PUT", &path, &montreal()).status, 403);
    assert_eq!(reader.send("DELETE", &path, &[], "").status, 403);
    assert_eq!(reader.send("DELETE", &format!("{customer}/card"), &[], "").status, 403);
    let nobody = world.service.client();
    assert_eq!(nobody.get(&format!("{customer}/addresses")).status, 401);
    assert_eq!(nobody.send_json("PUT", &path, &montreal()).status, 401);
    assert_eq!(addresses(&world, &customer)["billing"], paris());
}

fn an_update_of_the_profile_is_an_event_that_names_what_changed(kind: DatabaseKind) {
    let world = World::start(kind);
    let created = world.create();
    let customer = path_of(&created);
    let updated = world.http.patch(&customer, &json!({"first_name": "Yogi", "email": "yogi@berra.com"})).json();
    world.http.patch(&customer, &json!({"first_name": "Yogi"}));
    world.http.send_json("PUT", &customer, &json!({"first_name": null, "last_name": "Berra"}));
    let events = updates(&world);
    let changed: Vec<&Value> = events.iter().map(|event| &event["data"]["changed"]).collect();
    assert_eq!(changed, [&json!(["first_name", "email"]), &json!(["first_name", "last_name"])]);
    let mut shown = updated;
    shown["confirmation_sent_at"] = Value::Null;
    assert_eq!(events[0]["data"]["customer"], shown);
    let seen_by_reader = world.client_with_scope("read").get("/v1/events").text;
    assert!(!seen_by_reader.contains(token_of(&created)), "{seen_by_reader}");
}

fn saves_at_once_are_each_an_event_and_the_last_one_stays(kind: DatabaseKind) {
    let world = World::start(kind);
    let customer = path_of(&world.create());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let saves: Vec<_> = (0..8)
            .map(|number| {
                let (world, customer) = (&world, &customer);
                scope.spawn(move || {
                    let mut address = paris();
                    address["line1"] = json!(format!("{number} rue Cler"));
                    put(world, customer, ["billing", "shipping"][number % 2], &address)
                })
            })
            .collect();
        saves.into_iter().map(|save| save.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let events = updates(&world);
    let sequences: Vec<i64> = events.iter().map(|event| event["data"]["sequence"].as_i64().unwrap()).collect();
    assert_eq!(sequences, (2..10).collect::<Vec<_>>());
    let kept = addresses(&world, &customer);
    for purpose in ["billing", "shipping"] {
        assert!(answers.iter().any(|answer| answer.json() == kept[purpose]), "{kept}");
    }
}
