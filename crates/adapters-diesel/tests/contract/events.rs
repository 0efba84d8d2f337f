//! Reading events by their position.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{CustomerId, EventId};
use ports::{Beside, EventOutbox, EventPage, EventQuery, StoredEvent};

use crate::fixture::Fixture;
use crate::making::{creation, fresh_uuid, new_customer, regenerated};

crate::on_both_databases!(
    an_event_is_there_as_soon_as_its_save_has_returned,
    an_events_document_is_what_the_world_sees,
    pages_follow_each_other_without_gap_or_repetition,
    one_customers_events_are_read_alone,
    an_event_that_is_not_there_has_nothing_after_it,
    an_event_is_found_by_its_id,
    a_backlog_longer_than_a_batch_is_numbered_whole,
    tailing_readers_miss_nothing_and_find_nothing_late,
    processes_that_number_at_once_agree,
    a_customers_event_that_has_no_position_yet_comes_before_his_later_ones,
    who_holds_the_row_of_the_numbering_numbers_alone,
);

async fn page(events: &Arc<dyn EventOutbox>, after: Option<EventId>, limit: u32) -> EventPage {
    events.page(EventQuery { after, customer_id: None, limit }).await.unwrap().expect("the event is there")
}

/// All events from the first on, in pages of `limit`.
async fn all(events: &Arc<dyn EventOutbox>, limit: u32) -> Vec<EventId> {
    let mut ids = Vec::new();
    loop {
        let page = page(events, ids.last().copied(), limit).await;
        ids.extend(page.events.iter().map(|event| event.id));
        if !page.more {
            return ids;
        }
        assert_eq!(page.events.len(), usize::try_from(limit).unwrap());
    }
}

async fn an_event_is_there_as_soon_as_its_save_has_returned(db: Fixture) {
    assert_eq!(page(&db.database.events, None, 10).await, EventPage::default());
    let mut last = None;
    for _ in 0..3 {
        let change = creation(new_customer());
        db.save(&change).await;
        let page = page(&db.database.events, last, 10).await;
        assert_eq!(page.events.iter().map(|event| event.id).collect::<Vec<_>>(), [change.events()[0].id]);
        assert!(!page.more);
        last = Some(page.events[0].id);
    }
}

async fn an_events_document_is_what_the_world_sees(db: Fixture) {
    let change = creation(new_customer());
    db.save(&change).await;
    let page = page(&db.database.events, None, 1).await;
    let document = serde_json::to_string(&wire::Event::new(&change.events()[0])).unwrap();
    assert_eq!(page.events[0].payload, document);
    assert!(!format!("{page:?}").contains("confirmation_token"), "personal data are not in the debug form");
}

/// Takes the positions after this one away again, as if the events had been stored while others held the counter.
fn without_positions(db: &Fixture, after: usize) {
    db.execute(&format!(
        "UPDATE events SET position = NULL WHERE position > {after}; UPDATE event_numbering SET last_position = {after}"
    ));
}

async fn an_event_is_found_by_its_id(db: Fixture) {
    let change = creation(new_customer());
    let id = change.events()[0].id;
    assert_eq!(db.database.events.find(id).await.unwrap(), None);
    db.save(&change).await;
    without_positions(&db, 0);
    let unnumbered = db.database.events.find(id).await.unwrap().expect("it is there before it is numbered");
    assert_eq!(unnumbered.position, 0);
    let numbered = StoredEvent { position: 1, ..unnumbered };
    assert_eq!(page(&db.database.events, None, 1).await.events, std::slice::from_ref(&numbered));
    assert_eq!(db.database.events.find(id).await.unwrap(), Some(numbered));
}

async fn pages_follow_each_other_without_gap_or_repetition(db: Fixture) {
    let mut made = Vec::new();
    for _ in 0..7 {
        let change = creation(new_customer());
        db.save(&change).await;
        made.push(change.events()[0].id);
    }
    for limit in [1, 2, 3, 6, 7, 8, 100] {
        assert_eq!(all(&db.database.events, limit).await, made, "in pages of {limit}");
    }
    let last = page(&db.database.events, made.last().copied(), 5).await;
    assert_eq!(last, EventPage::default());
}

async fn one_customers_events_are_read_alone(db: Fixture) {
    let mut customers = [db.save(&creation(new_customer())).await, db.save(&creation(new_customer())).await];
    let mut second = Vec::new();
    for round in 1..4 {
        for (index, customer) in customers.iter_mut().enumerate() {
            let change = regenerated(customer, 1, round);
            *customer = db.save(&change).await;
            if index == 1 {
                second.push(change.events()[0].id);
            }
        }
    }
    let query = |after, limit| EventQuery { after, customer_id: Some(customers[1].id()), limit };
    let first = db.database.events.page(query(None, 2)).await.unwrap().unwrap();
    assert!(first.more);
    assert_eq!(first.events[1].id, second[0]);
    let rest = db.database.events.page(query(Some(second[0]), 2)).await.unwrap().unwrap();
    assert!(!rest.more);
    assert_eq!(rest.events.iter().map(|event| event.id).collect::<Vec<_>>(), second[1..]);
    let nobodys = EventQuery { after: None, customer_id: Some(CustomerId::from(fresh_uuid())), limit: 2 };
    assert_eq!(db.database.events.page(nobodys).await.unwrap(), Some(EventPage::default()));
}

async fn an_event_that_is_not_there_has_nothing_after_it(db: Fixture) {
    db.save(&creation(new_customer())).await;
    let query = EventQuery { after: Some(EventId::from(fresh_uuid())), customer_id: None, limit: 1 };
    assert_eq!(db.database.events.page(query).await.unwrap(), None);
}

async fn a_backlog_longer_than_a_batch_is_numbered_whole(db: Fixture) {
    let change = creation(new_customer());
    db.save(&change).await;
    // 2,500 copies of one event, each of another customer.
    let id = if db.is_sqlite() { "unhex(printf('%032x', n))" } else { "CAST(lpad(to_hex(n), 32, '0') AS UUID)" };
    db.execute(&format!(
        "INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500) \
         SELECT {id}, {id}, 1, type, occurred_at, payload FROM events, numbers"
    ));
    let ids = all(&db.database.events, 100).await;
    assert_eq!(ids.len(), 2_501);
}

/// Reads on until nobody writes and nothing is left.
async fn tail(events: &Arc<dyn EventOutbox>, writing: &AtomicUsize) -> Vec<EventId> {
    let mut seen: Vec<EventId> = Vec::new();
    loop {
        let done = writing.load(Ordering::SeqCst) == 0;
        let page = page(events, seen.last().copied(), 7).await;
        seen.extend(page.events.iter().map(|event| event.id));
        if done && page.events.is_empty() {
            return seen;
        }
    }
}

async fn tailing_readers_miss_nothing_and_find_nothing_late(db: Fixture) {
    const WRITERS: usize = 16;
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (customers, writing) = (db.database.customers.clone(), writing.clone());
            tokio::spawn(async move {
                let mut written = Vec::new();
                for _ in 0..3 {
                    let mut change = creation(new_customer());
                    for round in 1..6 {
                        customers.save(&change, Beside::default()).await.unwrap();
                        written.push((change.customer().id(), change.events()[0].id));
                        change = regenerated(change.customer(), 1, round);
                    }
                }
                writing.fetch_sub(1, Ordering::SeqCst);
                written
            })
        })
        .collect();
    // Two readers in two processes, so that they number against each other.
    let other = db.second().await;
    let (seen, seen_by_other) = tokio::join!(tail(&db.database.events, &writing), tail(&other.events, &writing));
    assert_eq!(seen, seen_by_other);
    let place: HashMap<EventId, usize> = seen.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    assert_eq!(place.len(), seen.len(), "nothing is read twice");
    let mut written = 0;
    for writer in writers {
        let mut last: Option<(CustomerId, usize)> = None;
        for (customer, event) in writer.await.unwrap() {
            let place = *place.get(&event).expect("nothing is missed");
            assert!(last.is_none_or(|last| last.0 != customer || last.1 < place), "in the order of the sequence");
            last = Some((customer, place));
            written += 1;
        }
    }
    assert_eq!(seen.len(), written, "nothing is invented");
    assert_eq!(all(&db.database.events, 100).await, seen, "nothing came late");
}

async fn processes_that_number_at_once_agree(db: Fixture) {
    let mut processes = Vec::new();
    for _ in 0..6 {
        processes.push(db.second().await.events);
    }
    let mut made: usize = 0;
    for _ in 0..10 {
        for _ in 0..9 {
            db.save(&creation(new_customer())).await;
            made += 1;
        }
        without_positions(&db, made - 9);
        let readers = processes.iter().map(|events| {
            let events = events.clone();
            tokio::spawn(async move { all(&events, 100).await })
        });
        let mut answers = Vec::new();
        for reader in readers.collect::<Vec<_>>() {
            answers.push(reader.await.unwrap());
        }
        assert_eq!(answers[0].len(), made);
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}

async fn who_holds_the_row_of_the_numbering_numbers_alone(db: Fixture) {
    let (first, second) = (creation(new_customer()), creation(new_customer()));
    db.save(&first).await;
    db.save(&second).await;
    without_positions(&db, 0);
    // Another process is at it, and has seen the second event only.
    let seen = db.literal(second.events()[0].id.uuid());
    let mut other = db.raw();
    other
        .batch_execute(&format!(
            "BEGIN; UPDATE event_numbering SET last_position = 1; UPDATE events SET position = 1 WHERE id = {seen}"
        ))
        .unwrap();
    let events = db.database.events.clone();
    let reader = tokio::spawn(async move { all(&events, 10).await });
    db.until_somebody_waits("Lock").await;
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(reader.await.unwrap(), [second.events()[0].id, first.events()[0].id]);
}

async fn a_customers_event_that_has_no_position_yet_comes_before_his_later_ones(db: Fixture) {
    let first = creation(new_customer());
    let customer = db.save(&first).await;
    without_positions(&db, 0);
    let second = regenerated(&customer, 1, 1);
    let customer = db.save(&second).await;
    let third = creation(new_customer());
    db.save(&third).await;
    let seen = all(&db.database.events, 10).await;
    let place = |change: &domain::Change| seen.iter().position(|id| *id == change.events()[0].id).unwrap();
    assert!(place(&first) < place(&second));
    assert_eq!(seen.len(), 3);
    let fourth = regenerated(&customer, 2, 2);
    db.save(&fourth).await;
    let stored = db.database.events.find(fourth.events()[0].id).await.unwrap();
    assert!(stored.is_some_and(|event| event.position > 3), "with all others numbered it is at once");
}

#[tokio::test]
async fn a_save_does_not_wait_for_whoever_numbers() {
    let db = Fixture::postgresql().await;
    let mut numbering = db.raw();
    numbering.batch_execute("BEGIN; SELECT last_position FROM event_numbering WHERE id = 1 FOR UPDATE").unwrap();
    let change = creation(new_customer());
    let id = change.events()[0].id;
    db.save(&change).await;
    assert_eq!(db.database.events.find(id).await.unwrap().map(|event| event.position), Some(0));
    numbering.batch_execute("COMMIT").unwrap();
    assert_eq!(all(&db.database.events, 10).await, [id]);
}
