//! Rows that no longer parse are told by table, column and key.

use chrono::TimeDelta;
use domain::{AddressPurpose, AfterTry, Customer, Link, LinkId, LinkPolicy, LinkPurpose, NewCustomer};
use ports::{ApiKey, ApiKeyId, DeliveryQuery, Digest, Scope, StoreError, StoredLink};

use crate::delivering::{endpoint_of, first_event, held_endpoint, new_endpoint, queue, retry, try_due};
use crate::fixture::Fixture;
use crate::making::{
    at, changed, creation, fresh_uuid, full_address, full_profile, new_card, new_customer, relocated, with_card,
};

crate::on_both_databases!(
    a_customers_row_that_does_not_parse_is_named,
    a_links_row_that_does_not_parse_is_named,
    a_keys_row_that_does_not_parse_is_named,
    a_check_value_of_another_length_is_named,
    an_events_row_that_does_not_parse_is_named,
    an_endpoints_row_that_does_not_parse_is_named,
    a_deliverys_row_that_does_not_parse_is_named,
    a_trys_row_that_does_not_parse_is_named,
    an_addresss_row_that_does_not_parse_is_named,
    a_cards_row_that_does_not_parse_is_named,
    a_detachments_row_that_does_not_parse_is_named,
);

/// A time that the database keeps and no calendar has.
fn no_time(db: &Fixture) -> &'static str {
    if db.is_sqlite() { "9223372036854775807" } else { "'infinity'" }
}

fn short_bytes(db: &Fixture) -> &'static str {
    if db.is_sqlite() { "x'0102'" } else { "'\\x0102'" }
}

async fn a_customers_row_that_does_not_parse_is_named(db: Fixture) {
    let time = no_time(&db);
    let mut cases = vec![
        ("unconfirmed_phone_number", "'418-581-0827'"),
        ("country_code", "'ZZ'"),
        ("email", "'nobody'"),
        ("first_name", "''"),
        ("last_name", "'a\tb'"),
        ("confirmation_token", "'12345'"),
        ("token_generated_at", time),
        ("token_wrong_tries", "-1"),
        ("confirmation_sent_at", time),
        ("wrong_tries", "'1795464000123 soon'"),
        ("tokens_in_row", "4294967296"),
        ("last_token_at", time),
        ("created_at", time),
        ("updated_at", time),
    ];
    if db.is_sqlite() {
        cases.push(("country_code", "CAST(x'43ff' AS TEXT)"));
    }
    for (column, value) in cases {
        let customer = db.save(&creation(NewCustomer { profile: full_profile(), ..new_customer() })).await;
        expect_corrupt(&db, &customer, column, value).await;
    }
    for (column, value) in [("phone_number", "'+14185810000'"), ("confirmed_at", time)] {
        let customer = db.save(&changed(Customer::create_confirmed(new_customer(), at(0)))).await;
        expect_corrupt(&db, &customer, column, value).await;
    }
}

async fn expect_corrupt(db: &Fixture, customer: &Customer, column: &'static str, value: &str) {
    let id = customer.id();
    db.execute(&format!("UPDATE customers SET {column} = {value} WHERE id = {}", db.literal(id.uuid())));
    let found = db.database.customers.find(id).await;
    let corrupt = StoreError::Corrupt { table: "customers", column, id: id.to_string() };
    assert_eq!(found, Err(corrupt), "{column} = {value}");
}

async fn a_links_row_that_does_not_parse_is_named(db: Fixture) {
    for (column, value) in [("purpose", "'hat'"), ("expires_at", no_time(&db)), ("code", short_bytes(&db))] {
        let customer = db.save(&creation(new_customer())).await;
        let id = LinkId::from(fresh_uuid());
        let link = Link::next(None, id, customer.id(), LinkPurpose::Card, at(0), &LinkPolicy::default());
        let stored = StoredLink { link, code: Digest([3; 32]) };
        db.database.links.issue(vec![stored], at(0) - TimeDelta::days(1)).await.unwrap();
        db.execute(&format!("UPDATE links SET {column} = {value} WHERE id = {}", db.literal(id.uuid())));
        let corrupt = StoreError::Corrupt { table: "links", column, id: id.uuid().to_string() };
        assert_eq!(db.database.links.latest(customer.id()).await, Err(corrupt));
        db.execute("DELETE FROM links");
    }
}

async fn a_keys_row_that_does_not_parse_is_named(db: Fixture) {
    for (column, value) in [("scope", "'root'"), ("created_at", no_time(&db)), ("digest", short_bytes(&db))] {
        let key = ApiKey {
            id: ApiKeyId(fresh_uuid()),
            name: "key".to_owned(),
            scope: Scope::Read,
            digest: Digest([4; 32]),
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
        };
        db.database.api_keys.insert(key.clone()).await.unwrap();
        db.execute(&format!("UPDATE api_keys SET {column} = {value}"));
        let corrupt = StoreError::Corrupt { table: "api_keys", column, id: key.id.to_string() };
        assert_eq!(db.database.api_keys.list().await, Err(corrupt));
        db.execute("DELETE FROM api_keys");
    }
}

async fn a_check_value_of_another_length_is_named(db: Fixture) {
    db.database.installation.secret_check(Digest([1; 32])).await.unwrap();
    db.execute(&format!("UPDATE secret_check SET digest = {}", short_bytes(&db)));
    let corrupt = StoreError::Corrupt { table: "secret_check", column: "digest", id: "1".to_owned() };
    assert_eq!(db.database.installation.secret_check(Digest([1; 32])).await, Err(corrupt));
}

async fn an_events_row_that_does_not_parse_is_named(db: Fixture) {
    let lease = held_endpoint(&db).await;
    for column in ["occurred_at", "token_generated_at"] {
        let event = first_event(&db).await;
        queue(&db, lease, &[&event], 0).await;
        let corrupt = StoreError::Corrupt { table: "events", column, id: event.id.uuid().to_string() };
        let id = db.literal(event.id.uuid());
        let set = |value: &str| db.execute(&format!("UPDATE events SET {column} = {value} WHERE id = {id}"));
        let before = if column == "occurred_at" { "created_at" } else { "token_generated_at" };
        let customer = db.literal(event.customer_id.uuid());
        set(no_time(&db));
        assert_eq!(db.database.events.find(event.id).await, Err(corrupt.clone()));
        assert_eq!(db.database.deliveries.due(endpoint_of(lease), at(0), 10).await, Err(corrupt));
        set(&format!("(SELECT {before} FROM customers WHERE id = {customer})"));
        db.database.deliveries.due(endpoint_of(lease), at(0), 10).await.unwrap();
    }
}

async fn an_endpoints_row_that_does_not_parse_is_named(db: Fixture) {
    let time = no_time(&db);
    for (column, set) in [
        ("event_types", "event_types = 'verification hat'".to_owned()),
        ("disabled_at", format!("disabled_at = {time}, disabled_reason = 'gone'")),
        ("disabled_reason", "disabled_at = created_at, disabled_reason = 'hat'".to_owned()),
        ("disabled_reason", "disabled_at = created_at, disabled_reason = NULL".to_owned()),
        ("previous_secret_until", format!("previous_secret = secret, previous_secret_until = {time}")),
        ("failing_since", format!("failing_since = {time}")),
        ("created_at", format!("created_at = {time}")),
        ("updated_at", format!("updated_at = {time}")),
    ] {
        let stored = new_endpoint(0);
        let id = stored.endpoint.id;
        db.database.endpoints.insert(stored, None).await.unwrap();
        db.execute(&format!("UPDATE webhook_endpoints SET {set} WHERE id = {}", db.literal(id.uuid())));
        let corrupt = StoreError::Corrupt { table: "webhook_endpoints", column, id: id.uuid().to_string() };
        assert_eq!(db.database.endpoints.find(id).await, Err(corrupt.clone()), "{set}");
        assert_eq!(db.database.endpoints.list().await, Err(corrupt), "{set}");
        db.execute("DELETE FROM webhook_endpoints");
    }
}

async fn a_deliverys_row_that_does_not_parse_is_named(db: Fixture) {
    let time = no_time(&db);
    for (column, value) in [
        ("repeat", "'hat'"),
        ("next_try_at", time),
        ("accepted_at", time),
        ("failed_at", time),
        ("created_at", time),
        ("tries", "-1"),
    ] {
        let lease = held_endpoint(&db).await;
        let event = first_event(&db).await;
        let id = queue(&db, lease, &[&event], 0).await[0].uuid();
        db.execute(&format!("UPDATE deliveries SET {column} = {value} WHERE id = {}", db.literal(id)));
        let corrupt = StoreError::Corrupt { table: "deliveries", column, id: id.to_string() };
        let endpoint_id = endpoint_of(lease);
        if matches!(column, "repeat" | "tries") {
            let due = db.database.deliveries.due(endpoint_id, at(0), 10).await;
            assert_eq!(due, Err(corrupt.clone()), "{column}");
        }
        // How often it was tried is not listed: the tries are.
        if column != "tries" {
            let query = DeliveryQuery { endpoint_id, status: None, after: None, limit: 10 };
            assert_eq!(db.database.deliveries.list(query).await, Err(corrupt), "{column}");
        }
    }
}

async fn a_trys_row_that_does_not_parse_is_named(db: Fixture) {
    let cases = [
        ("tried_at", no_time(&db)),
        ("duration_ms", "-9223372036854775808"),
        ("status_code", "-1"),
        ("status_code", "65536"),
    ];
    for (column, value) in cases {
        let lease = held_endpoint(&db).await;
        let event = first_event(&db).await;
        let id = queue(&db, lease, &[&event], 0).await[0].uuid();
        try_due(&db, lease, 1, retry(2)).await;
        try_due(&db, lease, 2, AfterTry::Accepted).await;
        let row = format!("delivery_id = {} AND number = 2", db.literal(id));
        db.execute(&format!("UPDATE delivery_tries SET {column} = {value} WHERE {row}"));
        let corrupt = StoreError::Corrupt { table: "delivery_tries", column, id: id.to_string() };
        let query = DeliveryQuery { endpoint_id: endpoint_of(lease), status: None, after: None, limit: 10 };
        assert_eq!(db.database.deliveries.list(query).await, Err(corrupt), "{column} = {value}");
    }
}

async fn an_addresss_row_that_does_not_parse_is_named(db: Fixture) {
    let mut cases = vec![
        ("purpose", "'hat'"),
        ("name", "''"),
        ("company", "' '"),
        ("line1", "'a\tb'"),
        ("line2", "''"),
        ("postal_code", "'123456789012345678901234567890123'"),
        ("city", "'a\nb'"),
        ("region", "''"),
        ("country", "'ZZ'"),
    ];
    if db.is_sqlite() {
        cases.extend([("line1", "CAST(x'43ff' AS TEXT)"), ("city", "CAST(x'43ff' AS TEXT)")]);
    }
    for (column, value) in cases {
        let customer = db.save(&creation(new_customer())).await;
        let id = customer.id();
        db.save(&relocated(&customer, AddressPurpose::Billing, Some(full_address()), 1)).await;
        db.execute(&format!("UPDATE addresses SET {column} = {value} WHERE customer_id = {}", db.literal(id.uuid())));
        let corrupt = StoreError::Corrupt { table: "addresses", column, id: id.to_string() };
        assert_eq!(db.database.customers.find_addresses(id).await, Err(corrupt), "{column} = {value}");
    }
}

async fn a_cards_row_that_does_not_parse_is_named(db: Fixture) {
    let mut cases = vec![
        ("provider", "''"),
        ("payment_method", "'pm\n'"),
        ("setup", "'é'"),
        ("brand", "''"),
        ("last4", "'424'"),
        ("exp_month", "13"),
        ("exp_month", "-1"),
        ("exp_month", "256"),
        ("exp_year", "30"),
        ("exp_year", "65536"),
        ("updated_at", no_time(&db)),
    ];
    if db.is_sqlite() {
        cases.push(("brand", "CAST(x'43ff' AS TEXT)"));
    }
    for (column, value) in cases {
        let customer = db.save(&creation(new_customer())).await;
        let id = customer.id();
        db.save(&with_card(&customer, None, Some(new_card("test", 1)), 1)).await;
        db.execute(&format!("UPDATE cards SET {column} = {value} WHERE customer_id = {}", db.literal(id.uuid())));
        let corrupt = StoreError::Corrupt { table: "cards", column, id: id.to_string() };
        assert_eq!(db.database.customers.find_card(id).await, Err(corrupt), "{column} = {value}");
    }
}

async fn a_detachments_row_that_does_not_parse_is_named(db: Fixture) {
    for value in ["-1", "4294967296"] {
        let customer = db.save(&creation(new_customer())).await;
        let card = new_card("test", 1);
        let customer = db.save(&with_card(&customer, None, Some(card.clone()), 1)).await;
        let removal = with_card(&customer, Some(&card), None, 2);
        db.save(&removal).await;
        db.execute(&format!("UPDATE card_detachments SET tries = {value}"));
        let id = removal.events()[0].id.uuid().to_string();
        let corrupt = StoreError::Corrupt { table: "card_detachments", column: "tries", id };
        let taken = db.database.detachments.take_due_detachments("test", at(9), at(99), 10).await;
        assert_eq!(taken, Err(corrupt), "{value}");
        db.execute("DELETE FROM card_detachments");
    }
}
