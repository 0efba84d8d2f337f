//! What came of a request is stored with the change or not at all, and once.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use domain::{AfterTry, CustomerId, DeliveryId, EndpointId, Member, NewCustomer, Repeat};
use ports::{Beside, Digest, EndpointEdits, IdempotencyRecord, RecordError, SaveError, Sealed};

use crate::delivering::{all, delivery_of, endpoint_of, first_event, held_endpoint, new_endpoint, queue, try_due};
use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_number, fresh_uuid, new_customer, regenerated, renamed};
use crate::person::hex;

crate::on_both_databases!(
    a_record_is_found_as_it_was_stored_under_any_of_its_ids,
    a_record_is_stored_with_its_change,
    of_a_save_that_is_refused_no_record_is_stored,
    a_repeated_save_changes_nothing,
    of_many_requests_with_one_key_one_is_answered,
    a_record_without_a_change_is_stored_once,
    an_endpoint_is_made_and_changed_with_its_record,
    what_is_delivered_again_is_queued_with_its_record,
    where_there_is_nothing_to_deliver_again_nothing_is_recorded,
);

fn digest() -> Digest {
    let mut bytes = [5; 32];
    bytes[..4].copy_from_slice(&fresh_number().to_be_bytes());
    Digest(bytes)
}

fn record_of(customer_id: Option<CustomerId>) -> IdempotencyRecord {
    let outcome = Some(Sealed(vec![0, 255, 7]));
    IdempotencyRecord { id: digest(), fingerprint: digest(), customer_id, outcome, created_at: at(5) }
}

fn beside(record: &IdempotencyRecord) -> Beside {
    Beside { record: Some(record.clone()), ..Beside::default() }
}

async fn find(db: &Fixture, id: Digest) -> Option<IdempotencyRecord> {
    db.database.idempotency.find_record(vec![id]).await.unwrap()
}

async fn a_record_is_found_as_it_was_stored_under_any_of_its_ids(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let full = record_of(Some(customer.id()));
    let sparse = IdempotencyRecord { outcome: None, ..record_of(None) };
    for record in [full, sparse] {
        db.database.idempotency.keep_record(record.clone()).await.unwrap();
        for ids in [vec![record.id], vec![digest(), record.id], vec![record.id, digest()]] {
            assert_eq!(db.database.idempotency.find_record(ids).await.unwrap().as_ref(), Some(&record));
        }
        for ids in [vec![], vec![digest()], vec![record.fingerprint]] {
            assert_eq!(db.database.idempotency.find_record(ids).await.unwrap(), None);
        }
    }
}

async fn a_record_is_stored_with_its_change(db: Fixture) {
    let change = creation(new_customer());
    let created = record_of(Some(change.customer().id()));
    db.database.customers.save(&change, beside(&created)).await.unwrap();
    let change = renamed(change.customer(), "Yogi", 1);
    let updated = record_of(Some(change.customer().id()));
    db.database.customers.save(&change, beside(&updated)).await.unwrap();
    assert_eq!(db.find(change.customer().id()).await.as_ref(), Some(change.customer()));
    for record in [created, updated] {
        assert_eq!(find(&db, record.id).await, Some(record));
    }
}

async fn of_a_save_that_is_refused_no_record_is_stored(db: Fixture) {
    let new = new_customer();
    let customer = db.save(&creation(new.clone())).await;
    db.save(&renamed(&customer, "Yogi", 1)).await;
    let same_event = {
        let change = creation(new_customer());
        db.save(&change).await;
        let id = db.literal(change.events()[0].id.uuid());
        let next = creation(new_customer());
        // The place of its event is taken.
        let taken = db.literal(next.events()[0].id.uuid());
        db.execute(&format!("UPDATE events SET id = {taken} WHERE id = {id}"));
        next
    };
    let refused = [
        (renamed(&customer, "Boo-Boo", 1), "VersionConflict"),
        (creation(NewCustomer { id: new.id, ..new_customer() }), "CustomerIdTaken"),
        (creation(NewCustomer { phone: new.phone, ..new_customer() }), "PhoneNumberTaken"),
        (same_event, "Store"),
    ];
    for (change, expected) in refused {
        let record = record_of(Some(change.customer().id()));
        let refusal = db.database.customers.save(&change, beside(&record)).await.unwrap_err();
        assert!(format!("{refusal:?}").starts_with(expected), "{refusal:?}");
        assert_eq!(find(&db, record.id).await, None, "{expected}");
        // The key can be used for what is not refused.
        let change = creation(new_customer());
        assert_eq!(db.database.customers.save(&change, beside(&record)).await, Ok(()));
    }
}

async fn a_repeated_save_changes_nothing(db: Fixture) {
    let change = creation(new_customer());
    let record = record_of(Some(change.customer().id()));
    db.database.customers.save(&change, beside(&record)).await.unwrap();
    let customer = change.customer();
    let events = db.number("SELECT count(*) AS number FROM events");
    let other = IdempotencyRecord { id: record.id, ..record_of(None) };
    // The same; one that would be refused otherwise too; and ones that would not.
    let stale = db.save(&creation(new_customer())).await;
    db.save(&renamed(&stale, "Yogi", 1)).await;
    for change in [
        change.clone(),
        creation(NewCustomer { id: customer.id(), ..new_customer() }),
        renamed(&stale, "Boo-Boo", 1),
        regenerated(customer, 7, 1),
        creation(new_customer()),
    ] {
        let refused = db.database.customers.save(&change, beside(&other)).await;
        assert_eq!(refused, Err(SaveError::Repeated));
    }
    assert_eq!(db.find(customer.id()).await.as_ref(), Some(customer));
    assert_eq!(db.number("SELECT count(*) AS number FROM events"), events + 2, "those of the other customer");
    assert_eq!(db.number("SELECT count(*) AS number FROM customers"), 2);
    assert_eq!(find(&db, record.id).await, Some(record), "the first answer stays");
}

async fn of_many_requests_with_one_key_one_is_answered(db: Fixture) {
    let second = db.second().await;
    let record = record_of(None);
    let saves: Vec<_> = (0..40)
        .map(|number| {
            let database = if number % 2 == 0 { &db.database } else { &second };
            let (customers, beside, change) = (database.customers.clone(), beside(&record), creation(new_customer()));
            tokio::spawn(async move { customers.save(&change, beside).await })
        })
        .collect();
    let mut stored = 0;
    for save in saves {
        match save.await.unwrap() {
            Ok(()) => stored += 1,
            refused => assert_eq!(refused, Err(SaveError::Repeated)),
        }
    }
    assert_eq!(stored, 1);
    for table in ["customers", "events", "phone_number_claims", "idempotency_records"] {
        assert_eq!(db.number(&format!("SELECT count(*) AS number FROM {table}")), 1, "{table}");
    }
}

async fn a_record_without_a_change_is_stored_once(db: Fixture) {
    let record = record_of(None);
    let again = IdempotencyRecord { id: record.id, ..record_of(None) };
    assert_eq!(db.database.idempotency.keep_record(record.clone()).await, Ok(()));
    assert_eq!(db.database.idempotency.keep_record(again).await, Err(RecordError::Repeated));
    assert_eq!(find(&db, record.id).await, Some(record));
}

async fn an_endpoint_is_made_and_changed_with_its_record(db: Fixture) {
    let (endpoint, record) = (new_endpoint(0), record_of(None));
    let id = endpoint.endpoint.id;
    let endpoints = &db.database.endpoints;
    endpoints.insert(endpoint.clone(), Some(record.clone())).await.unwrap();
    assert_eq!(find(&db, record.id).await.as_ref(), Some(&record));
    let repeated = endpoints.insert(new_endpoint(1), Some(record.clone())).await;
    assert_eq!(repeated, Err(RecordError::Repeated));
    assert_eq!(endpoints.list().await.unwrap(), std::slice::from_ref(&endpoint));
    assert_eq!(db.number("SELECT count(*) AS number FROM receivers"), 1);
    // Of one that cannot be stored there is no record.
    let refused = record_of(None);
    assert!(endpoints.insert(endpoint.clone(), Some(refused.clone())).await.is_err());
    assert_eq!(find(&db, refused.id).await, None);

    let rotation = EndpointEdits { secrets: Some((Sealed(vec![3]), None)), ..EndpointEdits::default() };
    assert_eq!(endpoints.update(id, rotation.clone(), at(1), Some(record)).await, Err(RecordError::Repeated));
    assert_eq!(endpoints.find(id).await.unwrap(), Some(endpoint));
    let record = record_of(None);
    let rotated = endpoints.update(id, rotation.clone(), at(1), Some(record.clone())).await.unwrap();
    assert_eq!(rotated.unwrap().secret, Sealed(vec![3]));
    assert_eq!(find(&db, record.id).await, Some(record));
    // Of an endpoint that is not there nothing is recorded.
    let record = record_of(None);
    let nobody = EndpointId::from(fresh_uuid());
    assert_eq!(endpoints.update(nobody, rotation, at(1), Some(record.clone())).await, Ok(None));
    assert_eq!(find(&db, record.id).await, None);
}

async fn what_is_delivered_again_is_queued_with_its_record(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (endpoint, event) = (endpoint_of(lease), first_event(&db).await);
    let delivery = queue(&db, lease, &[&event], 0).await[0];
    try_due(&db, lease, 0, AfterTry::Accepted).await;
    let again = || DeliveryId::from(fresh_uuid());
    let deliveries = &db.database.deliveries;

    let record = record_of(Some(event.customer_id));
    assert!(deliveries.redeliver(endpoint, delivery, again(), at(1), Some(record.clone())).await.unwrap());
    assert_eq!(find(&db, record.id).await.as_ref(), Some(&record));
    let repeated = deliveries.redeliver(endpoint, delivery, again(), at(2), Some(record.clone())).await;
    assert_eq!(repeated, Err(RecordError::Repeated));
    let repeats = vec![delivery_of(&event)];
    let repeated = deliveries.enqueue_repeats(endpoint, repeats.clone(), Repeat::Replay, at(2), Some(record)).await;
    assert_eq!(repeated, Err(RecordError::Repeated));
    assert_eq!(all(&db, endpoint).await.len(), 2);

    let record = record_of(None);
    deliveries.enqueue_repeats(endpoint, repeats.clone(), Repeat::Replay, at(3), Some(record.clone())).await.unwrap();
    assert_eq!(all(&db, endpoint).await.len(), 3);
    assert_eq!(find(&db, record.id).await, Some(record));
    // They are queued already.
    let record = record_of(None);
    assert!(deliveries.enqueue_repeats(endpoint, repeats, Repeat::Replay, at(3), Some(record.clone())).await.is_err());
    assert_eq!(find(&db, record.id).await, None);
}

async fn where_there_is_nothing_to_deliver_again_nothing_is_recorded(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let event = first_event(&db).await;
    let [delivery, others] = [queue(&db, lease, &[&event], 0).await[0], queue(&db, other, &[&event], 0).await[0]];
    let deliveries = &db.database.deliveries;
    let again = || DeliveryId::from(fresh_uuid());
    for unknown in [others, again()] {
        let record = record_of(None);
        let queued = deliveries.redeliver(endpoint_of(lease), unknown, again(), at(1), Some(record.clone())).await;
        assert_eq!(queued, Ok(false));
        assert_eq!(find(&db, record.id).await, None);
    }
    db.database.endpoints.delete(endpoint_of(lease)).await.unwrap();
    let record = record_of(None);
    let queued = deliveries.redeliver(endpoint_of(lease), delivery, again(), at(1), Some(record.clone())).await;
    assert_eq!(queued, Ok(false));
    let repeats = vec![delivery_of(&event)];
    let queued =
        deliveries.enqueue_repeats(endpoint_of(lease), repeats, Repeat::Replay, at(1), Some(record.clone())).await;
    assert_eq!(queued, Ok(()));
    assert_eq!(find(&db, record.id).await, None);
}

/// A transaction of somebody else that has stored a record of this id and goes on.
fn under_way(db: &Fixture, record: &IdempotencyRecord) -> Box<dyn SimpleConnection + Send> {
    let hex = hex(&record.id.0);
    let mut other = db.raw();
    let bytes = format!("decode('{hex}', 'hex')");
    other
        .batch_execute(&format!(
            "BEGIN; INSERT INTO idempotency_records (id, fingerprint, created_at) VALUES ({bytes}, {bytes}, now())"
        ))
        .unwrap();
    other
}

/// Each thing that takes a record, with this one.
async fn with_record(db: &Fixture, what: usize, record: &IdempotencyRecord) -> Result<(), RecordError> {
    let (kept, record) = (record.clone(), Some(record.clone()));
    let enabled = EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() };
    match what {
        0 => db.database.idempotency.keep_record(kept).await,
        1 => db.database.endpoints.insert(new_endpoint(0), record).await,
        2 => {
            let endpoint = endpoint_of(held_endpoint(db).await);
            db.database.endpoints.update(endpoint, enabled, at(1), record).await.map(|_| ())
        }
        3 => {
            let lease = held_endpoint(db).await;
            let delivery = queue(db, lease, &[&first_event(db).await], 0).await[0];
            let again = DeliveryId::from(fresh_uuid());
            db.database.deliveries.redeliver(endpoint_of(lease), delivery, again, at(1), record).await.map(|_| ())
        }
        4 => {
            let (endpoint, event) = (endpoint_of(held_endpoint(db).await), first_event(db).await);
            let repeats = vec![delivery_of(&event)];
            db.database.deliveries.enqueue_repeats(endpoint, repeats, Repeat::Replay, at(1), record).await
        }
        _ => {
            match db.database.customers.save(&creation(new_customer()), Beside { record, ..Beside::default() }).await {
                Ok(()) => Ok(()),
                Err(SaveError::Repeated) => Err(RecordError::Repeated),
                Err(SaveError::InProgress) => Err(RecordError::InProgress),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

const KINDS: usize = 6;

#[tokio::test]
async fn while_the_first_request_is_under_way_a_second_waits_for_no_longer_than_two_seconds() {
    let db = Fixture::postgresql().await;
    let record = record_of(None);
    let other = under_way(&db, &record);
    let asked = (0..KINDS).map(|what| {
        let (db, record) = (&db, &record);
        async move {
            let start = Instant::now();
            let refused = with_record(db, what, record).await;
            (refused, start.elapsed())
        }
    });
    for asked in asked {
        let (refused, waited) = asked.await;
        assert_eq!(refused, Err(RecordError::InProgress));
        assert!(waited > Duration::from_millis(1_900) && waited < Duration::from_millis(3_500), "{waited:?}");
    }
    drop(other);
}

#[tokio::test]
async fn as_soon_as_the_first_request_is_done_the_second_knows_that_it_is_a_repeat() {
    let db = Fixture::postgresql().await;
    for end in ["COMMIT", "ROLLBACK"] {
        let record = record_of(None);
        let mut other = under_way(&db, &record);
        let change = creation(new_customer());
        let save = tokio::spawn({
            let (customers, change, beside) = (db.database.customers.clone(), change.clone(), beside(&record));
            async move { customers.save(&change, beside).await }
        });
        db.until_somebody_waits("Lock").await;
        other.batch_execute(end).unwrap();
        let expected = if end == "COMMIT" { Err(SaveError::Repeated) } else { Ok(()) };
        assert_eq!(save.await.unwrap(), expected);
        assert_eq!(db.find(change.customer().id()).await.is_some(), end == "ROLLBACK");
    }
}
