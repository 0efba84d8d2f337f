//! Saves that cannot all apply: one does.

use std::collections::HashSet;

use domain::{Change, Customer, NewCustomer};
use ports::{Beside, Digest, IdempotencyRecord, SaveError, Sealed};

use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_number, new_customer, regenerated, renamed};

crate::on_both_databases!(
    of_many_saves_of_one_version_one_applies,
    of_many_claims_of_one_number_one_holds,
    of_many_creations_of_one_id_one_applies,
    two_processes_race_like_two_requests,
    changes_that_are_stored_together_succeed_or_fail_each_by_itself,
);

const MANY: u32 = 24;

async fn of_many_saves_of_one_version_one_applies(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let saves = (0..MANY).map(|number| {
        let customers = db.database.customers.clone();
        let change = regenerated(&customer, number, 1);
        tokio::spawn(async move { (customers.save(&change, Beside::default()).await, change) })
    });
    let mut winners = Vec::new();
    for save in saves.collect::<Vec<_>>() {
        match save.await.unwrap() {
            (Ok(()), change) => winners.push(change.customer().clone()),
            (refused, _) => assert_eq!(refused, Err(SaveError::VersionConflict)),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(db.find(customer.id()).await, winners.pop());
}

async fn of_many_claims_of_one_number_one_holds(db: Fixture) {
    let phone = new_customer().phone;
    let saves = (0..MANY).map(|_| {
        let customers = db.database.customers.clone();
        let change = creation(NewCustomer { phone: phone.clone(), ..new_customer() });
        tokio::spawn(async move { (customers.save(&change, Beside::default()).await, change.customer().id()) })
    });
    let (mut winners, mut holders) = (HashSet::new(), HashSet::new());
    for save in saves.collect::<Vec<_>>() {
        match save.await.unwrap() {
            (Ok(()), id) => winners.insert(id),
            (Err(SaveError::PhoneNumberTaken { holder, confirmed: false }), _) => holders.insert(holder),
            (other, _) => panic!("{other:?}"),
        };
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(winners, holders, "each who lost was told of the one who won");
}

async fn of_many_creations_of_one_id_one_applies(db: Fixture) {
    let id = new_customer().id;
    let saves = (0..MANY).map(|_| {
        let customers = db.database.customers.clone();
        let change = creation(NewCustomer { id, ..new_customer() });
        tokio::spawn(async move { customers.save(&change, Beside::default()).await })
    });
    let mut applied = 0;
    for save in saves.collect::<Vec<_>>() {
        match save.await.unwrap() {
            Ok(()) => applied += 1,
            refused => assert_eq!(refused, Err(SaveError::CustomerIdTaken)),
        }
    }
    assert_eq!(applied, 1);
}

async fn two_processes_race_like_two_requests(db: Fixture) {
    let other = db.second().await;
    let mut customer = db.save(&creation(new_customer())).await;
    for round in 0..10 {
        let (ours, theirs) = (regenerated(&customer, 1, round), regenerated(&customer, 2, round));
        let results = tokio::join!(
            db.database.customers.save(&ours, Beside::default()),
            other.customers.save(&theirs, Beside::default())
        );
        customer = match results {
            (Ok(()), Err(SaveError::VersionConflict)) => ours.customer().clone(),
            (Err(SaveError::VersionConflict), Ok(())) => theirs.customer().clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(db.find(customer.id()).await.as_ref(), Some(&customer));
        assert_eq!(other.customers.find(customer.id()).await.unwrap().as_ref(), Some(&customer));
    }
}

/// With a record under this key.
fn recorded(change: &Change, key: u32) -> Beside {
    let id = Digest([key.to_be_bytes(); 8].concat().try_into().unwrap());
    let outcome = Some(Sealed(vec![7]));
    let customer_id = Some(change.customer().id());
    Beside {
        record: Some(IdempotencyRecord { id, fingerprint: id, customer_id, outcome, created_at: at(5) }),
        ..Beside::default()
    }
}

/// Two processes, each of which has many changes to store at once: some collide with each other, some with what is there.
async fn changes_that_are_stored_together_succeed_or_fail_each_by_itself(db: Fixture) {
    let other = db.second().await;
    let (holder, answered) = (db.save(&creation(new_customer())).await, fresh_number());
    let first = creation(new_customer());
    db.database.customers.save(&first, recorded(&first, answered)).await.unwrap();
    let mut known = Vec::new();
    for _ in 0..MANY {
        known.push(db.save(&creation(new_customer())).await);
    }
    let [customers, claims, records] =
        ["customers", "phone_number_claims", "idempotency_records"].map(|table| count(&db, table));

    let mut saves = Vec::new();
    let mut expected_new = 0;
    for (number, customer) in (0..).zip(&known) {
        let good = creation(new_customer());
        let taken_number = creation(NewCustomer { phone: phone_of(&holder), ..new_customer() });
        let taken_id = creation(NewCustomer { id: holder.id(), ..new_customer() });
        let repeated = creation(new_customer());
        let (renamed, stale) =
            (renamed(customer, "New", 1), renamed(&db.save(&regenerated(customer, number, 1)).await, "New", 2));
        let taken = SaveError::PhoneNumberTaken { holder: holder.id(), confirmed: holder.phone_number().is_some() };
        expected_new += 1;
        let key = fresh_number();
        saves.extend([
            (good.clone(), recorded(&good, key), Ok(())),
            (taken_number.clone(), recorded(&taken_number, fresh_number()), Err(taken)),
            (taken_id.clone(), recorded(&taken_id, fresh_number()), Err(SaveError::CustomerIdTaken)),
            (repeated.clone(), recorded(&repeated, answered), Err(SaveError::Repeated)),
            (renamed.clone(), recorded(&renamed, fresh_number()), Err(SaveError::VersionConflict)),
            (stale.clone(), recorded(&stale, fresh_number()), Ok(())),
        ]);
    }
    let events_before = count(&db, "events");
    let running = saves.into_iter().enumerate().map(|(index, (change, beside, expected))| {
        let customers = if index % 2 == 0 { db.database.customers.clone() } else { other.customers.clone() };
        tokio::spawn(async move { (customers.save(&change, beside).await, expected) })
    });
    for save in running.collect::<Vec<_>>() {
        let (result, expected) = save.await.unwrap();
        assert_eq!(result, expected);
    }
    assert_eq!(count(&db, "customers"), customers + expected_new);
    assert_eq!(count(&db, "phone_number_claims"), claims + expected_new);
    assert_eq!(count(&db, "idempotency_records"), records + 2 * expected_new);
    assert_eq!(count(&db, "events"), events_before + 2 * expected_new, "of each who succeeded, and of nobody else");
    for customer in known {
        let stored = db.find(customer.id()).await.unwrap();
        assert_eq!(stored.profile().first_name.as_ref().map(domain::PersonName::as_str), Some("New"));
    }
}

fn count(db: &Fixture, table: &str) -> i64 {
    db.number(&format!("SELECT count(*) AS number FROM {table}"))
}

fn phone_of(customer: &Customer) -> domain::Phone {
    domain::Phone { number: customer.unconfirmed_phone_number().clone(), country: customer.country_code() }
}
