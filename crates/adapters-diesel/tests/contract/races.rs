//! Saves that cannot all apply: one does.

use std::collections::HashSet;

use domain::NewCustomer;
use ports::{Beside, SaveError};

use crate::fixture::Fixture;
use crate::making::{creation, new_customer, regenerated};

crate::on_both_databases!(
    of_many_saves_of_one_version_one_applies,
    of_many_claims_of_one_number_one_holds,
    of_many_creations_of_one_id_one_applies,
    two_processes_race_like_two_requests,
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
