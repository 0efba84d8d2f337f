//! What has had its time: found, or removed in pieces.

use std::collections::HashSet;

use domain::{Change, Customer, CustomerId, NewCustomer, NumberMemory};
use ports::{Beside, Digest, IdempotencyRecord, KeyedHash, Sealed};

use crate::fixture::Fixture;
use crate::making::{at, changed, creation, fresh_number, moment, new_customer, policy, renamed, token};

crate::on_both_databases!(
    who_waits_for_another_number_is_found_from_the_oldest_on,
    who_never_confirmed_is_found_from_the_oldest_on,
    records_and_memories_that_have_had_their_time_are_removed_in_pieces,
    what_is_remembered_anew_meanwhile_stays,
    who_was_erased_is_listed_page_by_page,
    without_anything_to_remove_nothing_is_removed,
);

fn created_at(seconds: i64) -> Change {
    let memory = NumberMemory::default();
    changed(Customer::create(new_customer(), &memory, token(42), moment(seconds), &policy()))
}

/// A customer with a proved number who asks for another then.
async fn waiting_since(db: &Fixture, seconds: i64) -> Customer {
    let trusted = db.save(&changed(Customer::create_confirmed(new_customer(), at(0)))).await;
    let memory = NumberMemory::default();
    let phone = new_customer().phone;
    db.save(&changed(trusted.change_number(phone, &memory, token(7), moment(seconds), &policy()))).await
}

fn ids(customers: &[&Customer]) -> Vec<CustomerId> {
    customers.iter().map(|customer| customer.id()).collect()
}

async fn who_waits_for_another_number_is_found_from_the_oldest_on(db: Fixture) {
    let waiting =
        async |before, limit| db.database.retention.waiting_for_number_since(at(before), limit).await.unwrap();
    db.save(&creation(new_customer())).await;
    let second = waiting_since(&db, 20).await;
    let first = waiting_since(&db, 10).await;
    let third = waiting_since(&db, 30).await;
    assert_eq!(waiting(10, 9).await, [], "that very moment is not before it");
    assert_eq!(waiting(30, 9).await, ids(&[&first, &second]));
    assert_eq!(waiting(31, 2).await, ids(&[&first, &second]));
    assert_eq!(waiting(99, 9).await, ids(&[&first, &second, &third]));
    // A new token for the number prolongs nothing; another number does.
    let first = db.save(&changed(first.regenerate_token(token(8), moment(40), &policy()))).await;
    let memory = NumberMemory::default();
    let another = second.change_number(new_customer().phone, &memory, token(8), moment(50), &policy());
    let second = db.save(&changed(another)).await;
    assert_eq!(waiting(99, 9).await, ids(&[&first, &third, &second]));
    db.save(&changed(first.confirm(token(8), moment(41), &policy()))).await;
    db.save(&third.withdraw_number(moment(42)).change.unwrap()).await;
    assert_eq!(waiting(99, 9).await, ids(&[&second]));
}

async fn who_never_confirmed_is_found_from_the_oldest_on(db: Fixture) {
    let unconfirmed = async |before, limit| db.database.retention.unconfirmed_since(at(before), limit).await.unwrap();
    let second = db.save(&created_at(20)).await;
    let first = db.save(&created_at(10)).await;
    let confirmed = created_at(5);
    db.save(&confirmed).await;
    db.save(&changed(confirmed.customer().confirm(token(42), moment(6), &policy()))).await;
    db.save(&changed(Customer::create_confirmed(new_customer(), at(1)))).await;
    waiting_since(&db, 2).await;
    // What changes later does not make him younger.
    let first = db.save(&renamed(&first, "Yogi", 90)).await;
    assert_eq!(unconfirmed(10, 9).await, []);
    assert_eq!(unconfirmed(11, 9).await, ids(&[&first]));
    assert_eq!(unconfirmed(99, 1).await, ids(&[&first]));
    assert_eq!(unconfirmed(99, 9).await, ids(&[&first, &second]));
    db.save(&first.erase(None, moment(91)).change.unwrap()).await;
    assert_eq!(unconfirmed(99, 9).await, ids(&[&second]));
}

fn digest() -> Digest {
    let mut bytes = [6; 32];
    bytes[..4].copy_from_slice(&fresh_number().to_be_bytes());
    Digest(bytes)
}

async fn keep_record(db: &Fixture, seconds: i64) -> Digest {
    let id = digest();
    let (outcome, created_at) = (Some(Sealed(vec![1])), at(seconds));
    let record = IdempotencyRecord { id, fingerprint: digest(), customer_id: None, outcome, created_at };
    db.database.idempotency.keep_record(record).await.unwrap();
    id
}

/// Remembers that a token for a number was made then.
async fn remember(db: &Fixture, number: Digest, seconds: i64) {
    let customer = db.save(&creation(new_customer())).await;
    let memory = NumberMemory { wrong_tries: Vec::new(), tokens: vec![at(seconds)] };
    let number = KeyedHash { current: number, previous: None };
    let beside = Beside { memories: vec![(number, memory)], ..Beside::default() };
    db.database.customers.save(&renamed(&customer, "Yogi", 0), beside).await.unwrap();
}

const DAY: i64 = 86_400;

async fn records_and_memories_that_have_had_their_time_are_removed_in_pieces(db: Fixture) {
    let mut records = Vec::new();
    for seconds in [30, 10, 20, 50, 40] {
        records.push((seconds, keep_record(&db, seconds).await));
    }
    let numbers: Vec<(i64, Digest)> = [3, 1, 2, 4].map(|seconds| (seconds, digest())).into();
    for (seconds, number) in &numbers {
        remember(&db, *number, *seconds).await;
    }
    let left = async || {
        let mut left = (Vec::new(), Vec::new());
        for (seconds, id) in &records {
            if db.database.idempotency.find_record(vec![*id]).await.unwrap().is_some() {
                left.0.push(*seconds);
            }
        }
        for (seconds, current) in &numbers {
            let hash = KeyedHash { current: *current, previous: None };
            if !db.database.customers.find_number_memory(hash).await.unwrap().is_empty() {
                left.1.push(*seconds);
            }
        }
        left
    };
    let prune = async |before, now, limit| db.database.retention.prune_outlived(at(before), at(now), limit).await;
    assert!(!prune(10, DAY, 9).await.unwrap());
    assert_eq!(left().await, (vec![30, 10, 20, 50, 40], vec![3, 1, 2, 4]));
    assert!(prune(41, DAY, 2).await.unwrap(), "there may be more");
    assert_eq!(left().await, (vec![30, 50, 40], vec![3, 1, 2, 4]), "the oldest");
    assert!(prune(41, DAY + 3, 2).await.unwrap());
    assert_eq!(left().await, (vec![50], vec![3, 4]));
    assert!(!prune(41, DAY + 3, 2).await.unwrap());
    assert_eq!(left().await, (vec![50], vec![4]));
    assert!(!prune(51, DAY + 4, 9).await.unwrap());
    assert_eq!(left().await, (vec![], vec![]));
}

async fn what_is_remembered_anew_meanwhile_stays(db: Fixture) {
    let number = digest();
    remember(&db, number, 1).await;
    remember(&db, number, 5).await;
    assert!(!db.database.retention.prune_outlived(at(0), at(DAY + 4), 9).await.unwrap());
    let hash = KeyedHash { current: number, previous: None };
    assert_eq!(db.database.customers.find_number_memory(hash).await.unwrap().tokens, [at(1), at(5)]);
}

async fn who_was_erased_is_listed_page_by_page(db: Fixture) {
    let erased = async |after, limit| db.database.retention.erased_customers(after, limit).await.unwrap();
    assert_eq!(erased(None, 9).await, []);
    let mut expected = Vec::new();
    for seconds in [50, 40, 30, 20, 10] {
        let customer = db.save(&creation(NewCustomer { ..new_customer() })).await;
        db.save(&customer.erase(None, moment(seconds)).change.unwrap()).await;
        expected.push((customer.id(), at(seconds)));
    }
    db.save(&creation(new_customer())).await;
    for limit in [1, 2, 5, 6] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = erased(after, limit).await;
            let Some((last, _)) = page.last() else { break };
            assert!(page.len() <= usize::try_from(limit).unwrap());
            after = Some(*last);
            seen.extend(page);
        }
        assert_eq!(seen, expected, "in pages of {limit}");
    }
}

async fn without_anything_to_remove_nothing_is_removed(db: Fixture) {
    let rows = db.rows();
    assert!(!db.database.retention.prune_outlived(at(999_999), at(999_999), 9).await.unwrap());
    assert_eq!(db.rows().into_iter().collect::<HashSet<_>>(), rows.into_iter().collect());
    assert!(db.database.retention.scrub().await.unwrap());
}
