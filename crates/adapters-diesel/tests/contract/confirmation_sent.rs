//! When a token was sent: noted for the current one alone, as bookkeeping.

use adapters_diesel::Database;
use domain::{AfterTry, Change, Customer, CustomerId, EventId, Timestamp};
use ports::{Beside, Lease, StoredEvent};

use crate::delivering::{event, held_endpoint, held_receiver, one_due, queue, record, retry, tried};
use crate::fixture::Fixture;
use crate::making::{at, changed, creation, moment, new_customer, policy, regenerated, renamed, token};

crate::on_both_databases!(
    an_accepted_event_with_the_current_token_notes_when_and_moves_nothing_else,
    the_first_receiver_that_takes_it_counts,
    an_old_tokens_event_notes_nothing_even_at_the_same_millisecond,
    a_confirmed_customers_token_was_sent_all_the_same,
    an_event_without_a_token_notes_nothing,
    of_several_events_each_is_for_its_customer,
    a_delivery_notes_it_when_it_is_accepted_and_not_before,
    a_new_token_that_is_made_meanwhile_is_never_noted_as_sent,
    a_save_at_the_same_time_does_not_lose_it,
);

async fn advance(db: &Fixture, lease: Lease, accepted: &[&StoredEvent], seconds: i64) {
    let ids: Vec<EventId> = accepted.iter().map(|event| event.id).collect();
    let position = accepted.last().map_or(0, |event| event.position);
    db.database.receivers.advance(lease, position, ids, at(seconds)).await.unwrap();
}

async fn sent_at(db: &Fixture, id: CustomerId) -> Option<Timestamp> {
    db.find(id).await.unwrap().confirmation_sent_at()
}

fn confirmed(customer: &Customer, number: u32, seconds: i64) -> Change {
    changed(customer.confirm(token(number), moment(seconds), &policy()))
}

async fn an_accepted_event_with_the_current_token_notes_when_and_moves_nothing_else(db: Fixture) {
    let lease = held_receiver(&db).await;
    let change = creation(new_customer());
    let event = event(&db, &change).await;
    let before = change.customer();
    // Not accepted by anybody outside: the place moves, and that is all.
    db.database.receivers.advance(lease, event.position, Vec::new(), at(8)).await.unwrap();
    assert_eq!(db.find(before.id()).await.as_ref(), Some(before));
    advance(&db, lease, &[&event], 9).await;
    let after = db.find(before.id()).await.unwrap();
    assert_eq!(after.confirmation_sent_at(), Some(at(9)));
    let (before, after_parts) = (before.parts(), after.parts());
    assert_eq!(
        (after_parts.version, after_parts.revision, after_parts.updated_at, after_parts.sequence),
        (before.version, before.revision, before.updated_at, before.sequence)
    );
    // Whoever has read the customer before can still save.
    let customer = db.save(&renamed(change.customer(), "Yogi", 10)).await;
    assert_eq!(sent_at(&db, customer.id()).await, Some(at(9)));
}

async fn the_first_receiver_that_takes_it_counts(db: Fixture) {
    let (first, second) = (held_receiver(&db).await, held_receiver(&db).await);
    let change = creation(new_customer());
    let event = event(&db, &change).await;
    advance(&db, first, &[&event], 9).await;
    advance(&db, second, &[&event], 10).await;
    advance(&db, first, &[&event], 11).await;
    assert_eq!(sent_at(&db, change.customer().id()).await, Some(at(9)));
}

async fn an_old_tokens_event_notes_nothing_even_at_the_same_millisecond(db: Fixture) {
    let lease = held_receiver(&db).await;
    // Another token in the same millisecond; the same six digits in the next one.
    for (number, seconds) in [(7, 0), (42, 1)] {
        let change = creation(new_customer());
        let id = change.customer().id();
        let old = event(&db, &change).await;
        let new = event(&db, &regenerated(change.customer(), number, seconds)).await;
        advance(&db, lease, &[&old], 9).await;
        assert_eq!(sent_at(&db, id).await, None);
        advance(&db, lease, &[&new], 10).await;
        assert_eq!(sent_at(&db, id).await, Some(at(10)));
        advance(&db, lease, &[&old], 11).await;
        assert_eq!(sent_at(&db, id).await, Some(at(10)));
    }
}

async fn a_confirmed_customers_token_was_sent_all_the_same(db: Fixture) {
    let lease = held_receiver(&db).await;
    let change = creation(new_customer());
    let pending = event(&db, &change).await;
    let new = regenerated(change.customer(), 7, 1);
    let current = event(&db, &new).await;
    let done = confirmed(new.customer(), 7, 2);
    db.save(&done).await;
    advance(&db, lease, &[&pending], 8).await;
    assert_eq!(sent_at(&db, done.customer().id()).await, None, "he did not confirm with that one");
    advance(&db, lease, &[&current], 9).await;
    let found = db.find(done.customer().id()).await.unwrap();
    assert!(found.confirmed().is_some());
    assert_eq!(found.confirmation_sent_at(), Some(at(9)));
}

async fn an_event_without_a_token_notes_nothing(db: Fixture) {
    let lease = held_receiver(&db).await;
    let change = creation(new_customer());
    db.save(&change).await;
    let done = confirmed(change.customer(), 42, 1);
    let event_of_confirmation = event(&db, &done).await;
    assert_eq!(event_of_confirmation.token_generated_at, None);
    advance(&db, lease, &[&event_of_confirmation], 9).await;
    assert_eq!(db.find(done.customer().id()).await.as_ref(), Some(done.customer()));
    // Nor does one that nobody knows.
    let unknown = vec![EventId::from(crate::making::fresh_uuid())];
    db.database.receivers.advance(lease, event_of_confirmation.position, unknown, at(9)).await.unwrap();
}

async fn of_several_events_each_is_for_its_customer(db: Fixture) {
    let lease = held_receiver(&db).await;
    let changes: Vec<Change> = (0..5).map(|_| creation(new_customer())).collect();
    let mut events = Vec::new();
    for change in &changes {
        events.push(event(&db, change).await);
    }
    let new = regenerated(changes[0].customer(), 7, 1);
    let new_event = event(&db, &new).await;
    let last = regenerated(changes[1].customer(), 7, 1);
    db.save(&last).await;
    // Old and new of the first customer, the old one of the second; the third's is not accepted.
    advance(&db, lease, &[&events[0], &events[1], &events[3], &events[4], &new_event], 9).await;
    let mut sent = Vec::new();
    for change in &changes {
        sent.push(sent_at(&db, change.customer().id()).await);
    }
    assert_eq!(sent, [Some(at(9)), None, None, Some(at(9)), Some(at(9))]);
}

async fn a_delivery_notes_it_when_it_is_accepted_and_not_before(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let [given_up, accepted] = [creation(new_customer()), creation(new_customer())];
    let [id_of_given_up, id] = [given_up.customer().id(), accepted.customer().id()];
    let first = event(&db, &given_up).await;
    queue(&db, lease, &[&first], 0).await;
    let due = one_due(&db, lease, 0).await;
    record(&db, lease, vec![tried(&due, 1, retry(2))], 1).await;
    assert_eq!(sent_at(&db, id_of_given_up).await, None);
    let due = one_due(&db, lease, 2).await;
    record(&db, lease, vec![tried(&due, 2, AfterTry::GiveUp)], 2).await;
    assert_eq!(sent_at(&db, id_of_given_up).await, None);

    let second = event(&db, &accepted).await;
    queue(&db, lease, &[&second], 3).await;
    let due = one_due(&db, lease, 3).await;
    record(&db, lease, vec![tried(&due, 3, AfterTry::Accepted)], 4).await;
    assert_eq!(sent_at(&db, id).await, Some(at(4)));
    assert_eq!(db.find(id).await.unwrap().parts().version, accepted.customer().parts().version);
}

/// An event is accepted here while a change is saved in another process.
async fn at_once(db: &Fixture, other: &Database, lease: Lease, event: &StoredEvent, change: &Change) {
    let advance = db.database.receivers.advance(lease, event.position, vec![event.id], at(9));
    let (advanced, saved) = tokio::join!(advance, other.customers.save(change, Beside::default()));
    advanced.unwrap();
    saved.unwrap();
}

async fn a_new_token_that_is_made_meanwhile_is_never_noted_as_sent(db: Fixture) {
    let other = db.second().await;
    let lease = held_receiver(&db).await;
    let change = creation(new_customer());
    let id = change.customer().id();
    let (mut current, mut customer) = (event(&db, &change).await, change.customer().clone());
    for round in 1..60 {
        // In the same millisecond: nothing but the digits tells the tokens apart.
        let change = regenerated(&customer, round, 0);
        at_once(&db, &other, lease, &current, &change).await;
        assert_eq!(sent_at(&db, id).await, None, "round {round}");
        customer = change.customer().clone();
        current = db.database.events.find(change.events()[0].id).await.unwrap().unwrap();
    }
    advance(&db, lease, &[&current], 10).await;
    assert_eq!(sent_at(&db, id).await, Some(at(10)));
}

async fn a_save_at_the_same_time_does_not_lose_it(db: Fixture) {
    let other = db.second().await;
    let lease = held_receiver(&db).await;
    for round in 0..30 {
        let change = creation(new_customer());
        let event = event(&db, &change).await;
        let customer = change.customer();
        let next = match round % 3 {
            0 => renamed(customer, "Yogi", 1),
            1 => customer.confirm(token(1), moment(1), &policy()).change.unwrap(),
            _ => confirmed(customer, 42, 1),
        };
        at_once(&db, &other, lease, &event, &next).await;
        let found = db.find(customer.id()).await.unwrap();
        assert_eq!(found.confirmation_sent_at(), Some(at(9)), "round {round}");
        assert_eq!(found.parts().version, next.customer().parts().version);
    }
}

/// Two receivers that note the same customers in different orders would wait for each other.
#[tokio::test]
async fn customers_are_noted_in_one_order() {
    let db = Fixture::postgresql().await;
    let lease = held_receiver(&db).await;
    let mut changes: Vec<Change> = (0..3).map(|_| creation(new_customer())).collect();
    // The table holds them in another order than that of their ids.
    changes.reverse();
    let mut events = Vec::new();
    for change in &changes {
        events.push(event(&db, change).await.id);
    }
    let [last, middle, first] = [0, 1, 2].map(|index| db.literal(changes[index].customer().id().uuid()));
    let mut other = db.raw();
    other.batch_execute(&format!("BEGIN; SELECT id FROM customers WHERE id = {first} FOR UPDATE")).unwrap();
    let advance = tokio::spawn({
        let receivers = db.database.receivers.clone();
        async move { receivers.advance(lease, 3, events, at(9)).await }
    });
    db.until_somebody_waits("Lock").await;
    // It waits for the first one, and nobody waits for it.
    other.batch_execute(&format!("SELECT id FROM customers WHERE id IN ({middle}, {last}) FOR UPDATE NOWAIT")).unwrap();
    other.batch_execute("COMMIT").unwrap();
    advance.await.unwrap().unwrap();
    for change in changes {
        assert_eq!(sent_at(&db, change.customer().id()).await, Some(at(9)));
    }
}
