//! What is kept for card providers.

use std::collections::HashSet;

use domain::{Card, CustomerId};
use ports::{DetachedCard, Detachment, StoreError};

use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_uuid, new_card, new_customer, with_card};

crate::on_both_databases!(
    a_customers_id_at_a_provider_is_kept_for_that_provider,
    an_id_that_is_unknown_at_the_provider_is_replaced_once,
    of_many_ids_of_one_customer_all_get_the_one_that_was_kept_first,
    nobody_is_kept_who_is_no_customer,
    what_is_due_is_taken_in_order_and_no_more_than_is_asked_for,
    what_was_taken_is_due_again_later_and_counts_its_tries,
    what_was_postponed_is_due_when_it_was_said,
    what_is_settled_is_gone_and_may_be_settled_again,
    a_card_that_never_became_a_customers_is_queued_once,
    only_the_providers_own_are_taken,
    of_many_who_take_each_gets_its_own,
    two_processes_take_each_once,
    what_two_found_due_at_once_one_takes,
);

async fn keep(db: &Fixture, id: CustomerId, provider: &str, kept: &str) -> Result<String, StoreError> {
    db.database.provider_customers.keep_provider_customer(id, provider, None, kept.to_owned()).await
}

async fn kept(db: &Fixture, id: CustomerId, provider: &str) -> Option<String> {
    db.database.provider_customers.find_provider_customer(id, provider).await.unwrap()
}

async fn a_customers_id_at_a_provider_is_kept_for_that_provider(db: Fixture) {
    let [first, other] = [db.save(&creation(new_customer())).await, db.save(&creation(new_customer())).await];
    assert_eq!(kept(&db, first.id(), "test").await, None);
    assert_eq!(keep(&db, first.id(), "test", "cus_1").await.unwrap(), "cus_1");
    assert_eq!(keep(&db, first.id(), "test", "cus_2").await.unwrap(), "cus_1", "the first stays");
    assert_eq!(keep(&db, first.id(), "another", "cus_3").await.unwrap(), "cus_3");
    assert_eq!(kept(&db, first.id(), "test").await.as_deref(), Some("cus_1"));
    assert_eq!(kept(&db, first.id(), "another").await.as_deref(), Some("cus_3"));
    assert_eq!(kept(&db, other.id(), "test").await, None);
}

async fn an_id_that_is_unknown_at_the_provider_is_replaced_once(db: Fixture) {
    let id = db.save(&creation(new_customer())).await.id();
    keep(&db, id, "test", "cus_1").await.unwrap();
    let replace = async |replaces: &str, by: &str| {
        let repository = &db.database.provider_customers;
        repository.keep_provider_customer(id, "test", Some(replaces.to_owned()), by.to_owned()).await.unwrap()
    };
    assert_eq!(replace("cus_1", "cus_2").await, "cus_2");
    assert_eq!(replace("cus_1", "cus_3").await, "cus_2", "another was faster");
    assert_eq!(kept(&db, id, "test").await.as_deref(), Some("cus_2"));
}

async fn of_many_ids_of_one_customer_all_get_the_one_that_was_kept_first(db: Fixture) {
    let id = db.save(&creation(new_customer())).await.id();
    let second = db.second().await;
    let keeps: Vec<_> = (0..16)
        .map(|number| {
            let database = if number % 2 == 0 { &db.database } else { &second };
            let repository = database.provider_customers.clone();
            tokio::spawn(async move {
                repository.keep_provider_customer(id, "test", None, format!("cus_{number}")).await.unwrap()
            })
        })
        .collect();
    let mut answers = HashSet::new();
    for keep in keeps {
        answers.insert(keep.await.unwrap());
    }
    let kept = kept(&db, id, "test").await.unwrap();
    assert_eq!(answers, HashSet::from([kept]));
}

async fn nobody_is_kept_who_is_no_customer(db: Fixture) {
    let stranger = new_customer().id;
    // Whoever asks goes on with what he made, and finds that the customer is gone when he saves.
    assert_eq!(keep(&db, stranger, "test", "cus_1").await.unwrap(), "cus_1");
    assert_eq!(kept(&db, stranger, "test").await, None);
}

/// Queues a card of the provider, due at this time, and returns its id there.
async fn queue(db: &Fixture, provider: &str, seconds: i64) -> String {
    let card: Card = new_card(provider, 0);
    let customer = db.save(&creation(new_customer())).await;
    let customer = db.save(&with_card(&customer, None, Some(card.clone()), 0)).await;
    db.save(&with_card(&customer, Some(&card), None, seconds)).await;
    card.parts().payment_method.clone()
}

/// What is due at `now`; it is due again at `again`.
async fn take(db: &Fixture, now: i64, again: i64, limit: u32) -> Vec<Detachment> {
    db.database.detachments.take_due_detachments("test", at(now), at(again), limit).await.unwrap()
}

/// The ids of the cards that are to be removed.
pub(crate) fn cards(taken: &[Detachment]) -> Vec<&str> {
    let of = taken.iter().map(|detachment| match &detachment.card {
        DetachedCard::Known(payment_method) => payment_method.as_str(),
        DetachedCard::OfSetup(setup) => panic!("the setup {setup}"),
    });
    of.collect()
}

async fn what_is_due_is_taken_in_order_and_no_more_than_is_asked_for(db: Fixture) {
    let third = queue(&db, "test", 30).await;
    let first = queue(&db, "test", 10).await;
    let second = queue(&db, "test", 20).await;
    assert_eq!(take(&db, 9, 100, 10).await, []);
    assert_eq!(take(&db, 100, 200, 0).await, []);
    assert_eq!(cards(&take(&db, 30, 100, 2).await), [first, second]);
    assert_eq!(take(&db, 29, 100, 10).await, []);
    assert_eq!(cards(&take(&db, 30, 100, 10).await), [third], "it is due just then");
}

async fn what_was_taken_is_due_again_later_and_counts_its_tries(db: Fixture) {
    queue(&db, "test", 10).await;
    let [first] = <[_; 1]>::try_from(take(&db, 10, 70, 10).await).unwrap();
    assert_eq!(first.tries, 0);
    assert_eq!(take(&db, 69, 100, 10).await, []);
    let again = take(&db, 70, 130, 10).await;
    assert_eq!(again, [Detachment { tries: 1, ..first.clone() }], "who took it said nothing of it");
    assert_eq!(take(&db, 130, 190, 10).await, [Detachment { tries: 2, ..first }]);
}

async fn what_was_postponed_is_due_when_it_was_said(db: Fixture) {
    let [first, second] = [queue(&db, "test", 10).await, queue(&db, "test", 11).await];
    let taken = take(&db, 11, 71, 10).await;
    assert_eq!(cards(&taken), [&first, &second]);
    db.database.detachments.postpone_detachment(taken[0].id, at(500)).await.unwrap();
    db.database.detachments.postpone_detachment(fresh_uuid(), at(500)).await.unwrap();
    assert_eq!(cards(&take(&db, 499, 1_000, 10).await), [&second]);
    let again = take(&db, 500, 1_000, 10).await;
    assert_eq!((cards(&again), again[0].tries), (vec![first.as_str()], 1));
}

async fn a_card_that_never_became_a_customers_is_queued_once(db: Fixture) {
    let queue = &db.database.detachments;
    let id = uuid::Uuid::from_u128(7);
    queue.queue_detachment("test", id, "pm_1", at(5)).await.unwrap();
    queue.queue_detachment("test", id, "pm_2", at(1)).await.unwrap();
    assert_eq!(queue.take_due_detachments("test", at(4), at(70), 8).await.unwrap(), []);
    let queued = Detachment { id, card: DetachedCard::Known("pm_1".to_owned()), tries: 0 };
    assert_eq!(queue.take_due_detachments("test", at(5), at(70), 8).await.unwrap(), [queued]);
}

async fn what_is_settled_is_gone_and_may_be_settled_again(db: Fixture) {
    let [_, second] = [queue(&db, "test", 10).await, queue(&db, "test", 11).await];
    let taken = take(&db, 11, 71, 10).await;
    for _ in 0..2 {
        db.database.detachments.settle_detachment(taken[0].id).await.unwrap();
    }
    // By who took it before, of what is settled meanwhile.
    db.database.detachments.postpone_detachment(taken[0].id, at(12)).await.unwrap();
    assert_eq!(cards(&take(&db, 1_000, 2_000, 10).await), [second]);
}

async fn only_the_providers_own_are_taken(db: Fixture) {
    let others = queue(&db, "another", 10).await;
    let ours = queue(&db, "test", 20).await;
    assert_eq!(cards(&take(&db, 100, 200, 10).await), [ours]);
    let taken = db.database.detachments.take_due_detachments("another", at(100), at(200), 10).await.unwrap();
    assert_eq!(cards(&taken), [others]);
    assert_eq!(db.database.detachments.take_due_detachments("tes_", at(900), at(999), 10).await.unwrap(), []);
}

async fn of_many_who_take_each_gets_its_own(db: Fixture) {
    let mut queued = HashSet::new();
    for seconds in 0..8 {
        queued.insert(queue(&db, "test", seconds).await);
    }
    let asked: Vec<_> = (0..16)
        .map(|_| {
            let queue = db.database.detachments.clone();
            tokio::spawn(async move { queue.take_due_detachments("test", at(10), at(70), 8).await.unwrap() })
        })
        .collect();
    let mut taken = Vec::new();
    for take in asked {
        taken.extend(cards(&take.await.unwrap()).into_iter().map(str::to_owned));
    }
    assert_eq!(taken.len(), 8, "none twice: {taken:?}");
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), queued);
}

async fn two_processes_take_each_once(db: Fixture) {
    let second = db.second().await;
    for round in 0..10 {
        let queued = [queue(&db, "test", 0).await, queue(&db, "test", 1).await];
        let (ours, theirs) = tokio::join!(
            db.database.detachments.take_due_detachments("test", at(10), at(70), 5),
            second.detachments.take_due_detachments("test", at(10), at(70), 5),
        );
        let taken: Vec<Detachment> = ours.unwrap().into_iter().chain(theirs.unwrap()).collect();
        assert_eq!(cards(&taken), queued, "round {round}");
        for detachment in taken {
            db.database.detachments.settle_detachment(detachment.id).await.unwrap();
        }
    }
}

async fn what_two_found_due_at_once_one_takes(db: Fixture) {
    let second = db.second().await;
    let queued = queue(&db, "test", 10).await;
    // Somebody has the row for himself, so that both find it due before either asked it.
    let mut holder = db.raw();
    let hold = if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; SELECT FROM card_detachments FOR UPDATE" };
    holder.batch_execute(hold).unwrap();
    let asked = [db.database.detachments.clone(), second.detachments.clone()]
        .map(|queue| tokio::spawn(async move { queue.take_due_detachments("test", at(10), at(70), 5).await.unwrap() }));
    db.until_so_many_wait(2, "Lock").await;
    holder.batch_execute("ROLLBACK").unwrap();
    let mut all = Vec::new();
    for take in asked {
        all.extend(take.await.unwrap());
    }
    assert_eq!(cards(&all), [queued]);
}
