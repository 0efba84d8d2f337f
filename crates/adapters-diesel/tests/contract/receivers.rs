//! Receivers: their place in the log, and who works for them.

use std::collections::HashSet;

use domain::EventId;
use ports::{Beside, Lease, LeaseError, ReceiverId, StoreError, StoredEvent};

use crate::delivering::{
    all, delivery_of, end_lease, endpoint_of, event, first_event, held_endpoint, held_receiver, holder, one_due, queue,
    receiver, retry, tried,
};
use crate::fixture::Fixture;
use crate::making::{at, creation, new_customer, regenerated};

crate::on_both_databases!(
    a_receiver_begins_at_the_end_of_the_log,
    a_receiver_that_is_known_stays_where_it_is,
    of_many_who_register_a_receiver_none_is_refused,
    arrivals_are_numbered_and_in_order_from_the_receivers_place,
    an_event_is_among_the_arrivals_as_soon_as_its_save_has_returned,
    a_lease_has_one_holder,
    a_lease_lasts_thirty_seconds_from_its_renewal_by_the_stores_clock,
    a_lease_that_has_ended_is_taken_over,
    a_lease_that_has_ended_is_good_while_nobody_takes_it,
    leases_that_are_given_up_are_free_at_once,
    of_many_who_take_a_lease_at_once_one_holds_it,
    where_there_is_nothing_to_take_nobody_is_waited_for,
    who_has_lost_his_lease_stores_nothing,
    nothing_of_the_old_holder_is_stored_after_the_takeover,
    a_receiver_that_is_not_known_cannot_be_held,
);

async fn arrivals(db: &Fixture, receiver: ReceiverId) -> Vec<EventId> {
    let arrivals = db.database.receivers.arrivals(receiver, 100).await.unwrap();
    arrivals.iter().map(|event| event.id).collect()
}

async fn a_receiver_begins_at_the_end_of_the_log(db: Fixture) {
    let (first, second) = (receiver(), receiver());
    assert_eq!(arrivals(&db, first).await, [], "nobody knows it");
    // Not numbered when the receiver comes, and not for it all the same.
    db.save(&creation(new_customer())).await;
    db.save(&creation(new_customer())).await;
    db.database.receivers.register(first).await.unwrap();
    assert_eq!(arrivals(&db, first).await, []);
    let third = first_event(&db).await;
    db.database.receivers.register(second).await.unwrap();
    let fourth = first_event(&db).await;
    assert_eq!(arrivals(&db, first).await, [third.id, fourth.id]);
    assert_eq!(arrivals(&db, second).await, [fourth.id]);
    assert_eq!(arrivals(&db, receiver()).await, [], "nobody knows it");
}

async fn a_receiver_that_is_known_stays_where_it_is(db: Fixture) {
    let lease = held_receiver(&db).await;
    let first = first_event(&db).await;
    db.database.receivers.register(lease.receiver).await.unwrap();
    assert_eq!(arrivals(&db, lease.receiver).await, [first.id]);
    db.database.receivers.advance(lease, first.position, Vec::new(), at(0)).await.unwrap();
    let second = first_event(&db).await;
    db.database.receivers.register(lease.receiver).await.unwrap();
    assert_eq!(arrivals(&db, lease.receiver).await, [second.id]);
    // The lease is still held.
    db.database.receivers.advance(lease, second.position, Vec::new(), at(0)).await.unwrap();
    assert_eq!(arrivals(&db, lease.receiver).await, []);
}

async fn of_many_who_register_a_receiver_none_is_refused(db: Fixture) {
    let other = db.second().await;
    let id = receiver();
    let registrations = (0..16).map(|index| {
        let receivers = if index % 2 == 0 { &db.database } else { &other }.receivers.clone();
        tokio::spawn(async move { receivers.register(id).await })
    });
    for registration in registrations.collect::<Vec<_>>() {
        registration.await.unwrap().unwrap();
    }
    let event = first_event(&db).await;
    assert_eq!(arrivals(&db, id).await, [event.id]);
}

async fn arrivals_are_numbered_and_in_order_from_the_receivers_place(db: Fixture) {
    let lease = held_receiver(&db).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let mut change = creation(new_customer());
        for round in 1..4 {
            db.save(&change).await;
            made.push(change.events()[0].id);
            change = regenerated(change.customer(), 1, round);
        }
    }
    let mut seen: Vec<StoredEvent> = Vec::new();
    loop {
        let piece = db.database.receivers.arrivals(lease.receiver, 2).await.unwrap();
        assert_eq!(piece, db.database.receivers.arrivals(lease.receiver, 2).await.unwrap(), "reading moves nothing");
        let Some(last) = piece.last() else { break };
        assert!(piece.len() <= 2);
        db.database.receivers.advance(lease, last.position, Vec::new(), at(0)).await.unwrap();
        seen.extend(piece);
    }
    let positions: Vec<i64> = seen.iter().map(|event| event.position).collect();
    assert!(positions[0] > 0 && positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    let ids: HashSet<EventId> = seen.iter().map(|event| event.id).collect();
    assert_eq!((ids, seen.len()), (made.iter().copied().collect(), made.len()));
    for event in seen {
        assert_eq!(db.database.events.find(event.id).await.unwrap(), Some(event));
    }
    // Another receiver's place is its own.
    let other = held_receiver(&db).await;
    let event = first_event(&db).await;
    db.database.receivers.advance(lease, event.position, Vec::new(), at(0)).await.unwrap();
    assert_eq!(arrivals(&db, other.receiver).await, [event.id]);
}

async fn an_event_is_among_the_arrivals_as_soon_as_its_save_has_returned(db: Fixture) {
    let other = db.second().await;
    let id = receiver();
    db.database.receivers.register(id).await.unwrap();
    let writers = (0..12).map(|index| {
        let database = if index % 2 == 0 { db.database.clone() } else { other.clone() };
        tokio::spawn(async move {
            for _ in 0..5 {
                let change = creation(new_customer());
                database.customers.save(&change, Beside::default()).await.unwrap();
                let arrivals = database.receivers.arrivals(id, 1_000).await.unwrap();
                assert!(arrivals.iter().any(|event| event.id == change.events()[0].id));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(arrivals(&db, id).await.len(), 60);
}

/// Which of the receivers somebody gets.
async fn taken(db: &Fixture, lease: ports::LeaseHolder, receivers: &[ReceiverId]) -> HashSet<ReceiverId> {
    let taken = db.database.receivers.take_leases(lease, receivers.to_vec()).await.unwrap();
    let set: HashSet<_> = taken.iter().copied().collect();
    assert_eq!(set.len(), taken.len(), "each once");
    set
}

async fn a_lease_has_one_holder(db: Fixture) {
    let (ours, theirs) = (holder(), holder());
    let [first, second, third] = [receiver(), receiver(), receiver()];
    for id in [third, first, second] {
        db.database.receivers.register(id).await.unwrap();
    }
    assert_eq!(taken(&db, ours, &[second, first, receiver()]).await, HashSet::from([first, second]));
    assert_eq!(taken(&db, theirs, &[first, second, third]).await, HashSet::from([third]));
    assert_eq!(taken(&db, theirs, &[first, second]).await, HashSet::new());
    assert_eq!(taken(&db, ours, &[third, second]).await, HashSet::from([second]), "his own, of those he asks for");
    assert_eq!(taken(&db, ours, &[]).await, HashSet::new());
}

async fn a_lease_lasts_thirty_seconds_from_its_renewal_by_the_stores_clock(db: Fixture) {
    let lease = held_receiver(&db).await;
    // A lease that ends thirty seconds from now, give or take what the statements take.
    let now = if db.is_sqlite() { "unixepoch('subsec') * 1000" } else { "clock_timestamp()" };
    let seconds = if db.is_sqlite() {
        |seconds: u32| format!("{}", seconds * 1_000)
    } else {
        |seconds: u32| format!("interval '{seconds} seconds'")
    };
    let is_fresh = format!(
        "(SELECT lease_ends_at > {now} + {} AND lease_ends_at <= {now} + {} FROM receivers)",
        seconds(20),
        seconds(30)
    );
    assert_eq!(ports::LEASE_TIME.as_secs(), 30);
    assert!(db.is_true(&is_fresh));
    // Nearly over.
    db.execute(&format!("UPDATE receivers SET lease_ends_at = {now} + {}", seconds(10)));
    assert!(!db.is_true(&is_fresh));
    assert_eq!(taken(&db, holder(), &[lease.receiver]).await, HashSet::new());
    assert!(!db.is_true(&is_fresh), "who does not get it does not renew it");
    assert_eq!(taken(&db, lease.holder, &[lease.receiver]).await, HashSet::from([lease.receiver]));
    assert!(db.is_true(&is_fresh));
    end_lease(&db, lease.receiver);
    assert_eq!(taken(&db, lease.holder, &[lease.receiver]).await, HashSet::from([lease.receiver]));
    assert!(db.is_true(&is_fresh), "his own that has ended, too");
}

async fn a_lease_that_has_ended_is_taken_over(db: Fixture) {
    let (lease, other) = (held_receiver(&db).await, held_receiver(&db).await);
    end_lease(&db, lease.receiver);
    let new = holder();
    assert_eq!(taken(&db, new, &[lease.receiver, other.receiver]).await, HashSet::from([lease.receiver]));
    assert_eq!(taken(&db, lease.holder, &[lease.receiver]).await, HashSet::new(), "it is the other's now");
    assert_eq!(taken(&db, new, &[lease.receiver]).await, HashSet::from([lease.receiver]));
}

async fn a_lease_that_has_ended_is_good_while_nobody_takes_it(db: Fixture) {
    let lease = held_receiver(&db).await;
    let event = first_event(&db).await;
    end_lease(&db, lease.receiver);
    db.database.receivers.advance(lease, event.position, Vec::new(), at(0)).await.unwrap();
    assert_eq!(arrivals(&db, lease.receiver).await, []);
}

async fn leases_that_are_given_up_are_free_at_once(db: Fixture) {
    let (lease, other) = (held_receiver(&db).await, held_receiver(&db).await);
    db.database.receivers.release_leases(lease.holder).await.unwrap();
    let lost = db.database.receivers.advance(lease, 1, Vec::new(), at(0)).await;
    assert_eq!(lost, Err(LeaseError::Lost));
    let both = [lease.receiver, other.receiver];
    assert_eq!(taken(&db, holder(), &both).await, HashSet::from([lease.receiver]), "nobody else's are given up");
    // Who holds nothing has nothing to give up.
    db.database.receivers.release_leases(lease.holder).await.unwrap();
    assert_eq!(taken(&db, holder(), &both).await, HashSet::new());
}

async fn of_many_who_take_a_lease_at_once_one_holds_it(db: Fixture) {
    let other = db.second().await;
    let ids = [receiver(), receiver(), receiver()];
    for id in ids {
        db.database.receivers.register(id).await.unwrap();
    }
    for _ in 0..10 {
        let takers = (0..6).map(|index| {
            let receivers = if index % 2 == 0 { &db.database } else { &other }.receivers.clone();
            let (holder, mut ids) = (holder(), ids.to_vec());
            ids.rotate_left(index % 3);
            tokio::spawn(async move { (holder, receivers.take_leases(holder, ids).await.unwrap()) })
        });
        let mut held = Vec::new();
        for taker in takers.collect::<Vec<_>>() {
            let (holder, taken) = taker.await.unwrap();
            held.extend(taken.into_iter().map(|receiver| Lease { receiver, holder }));
        }
        assert_eq!(held.len(), 3, "each has one holder: {held:?}");
        for lease in held {
            db.database.receivers.advance(lease, 0, Vec::new(), at(0)).await.unwrap();
            end_lease(&db, lease.receiver);
        }
    }
}

async fn where_there_is_nothing_to_take_nobody_is_waited_for(db: Fixture) {
    let lease = held_receiver(&db).await;
    // Somebody stores something for the receiver, and does not come to an end.
    let mut other = db.raw();
    let begin = if db.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN" };
    other.batch_execute(&format!("{begin}; UPDATE receivers SET position = position")).unwrap();
    assert_eq!(taken(&db, holder(), &[lease.receiver]).await, HashSet::new());
    assert_eq!(taken(&db, holder(), &[receiver()]).await, HashSet::new());
    other.batch_execute("ROLLBACK").unwrap();
}

async fn who_has_lost_his_lease_stores_nothing(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let mut customers = Vec::new();
    for _ in 0..2 {
        let change = creation(new_customer());
        customers.push((change.customer().id(), event(&db, &change).await));
    }
    let [(queued_id, queued), (waiting_id, waiting)] = [&customers[0], &customers[1]];
    queue(&db, lease, &[queued], 0).await;
    let due = one_due(&db, lease, 0).await;
    let before = (all(&db, endpoint_of(lease)).await, db.database.endpoints.find(endpoint_of(lease)).await.unwrap());

    end_lease(&db, lease.receiver);
    let new = Lease { holder: holder(), ..lease };
    assert_eq!(taken(&db, new.holder, &[lease.receiver]).await, HashSet::from([lease.receiver]));

    let advanced =
        db.database.receivers.advance(lease, waiting.position, vec![queued.id, waiting.id], at(1)).await.err();
    let enqueued = db.database.deliveries.enqueue(lease, vec![delivery_of(waiting)], waiting.position, at(1)).await;
    let accepted = tried(&due, 1, domain::AfterTry::Accepted);
    let recorded = db.database.deliveries.record(lease, vec![accepted], at(1)).await;
    let failed = db.database.deliveries.record(lease, vec![tried(&due, 1, retry(9))], at(1)).await;
    for result in [advanced, enqueued.err(), recorded.err(), failed.err()] {
        assert_eq!(result, Some(LeaseError::Lost));
    }
    let after = (all(&db, endpoint_of(lease)).await, db.database.endpoints.find(endpoint_of(lease)).await.unwrap());
    assert_eq!(after, before);
    assert_eq!(arrivals(&db, lease.receiver).await, [waiting.id], "the place is the same");
    for id in [queued_id, waiting_id] {
        assert_eq!(db.find(*id).await.unwrap().confirmation_sent_at(), None);
    }
    // The new holder goes on from there.
    assert_eq!(one_due(&db, new, 1).await, due);
    queue(&db, new, &[waiting], 1).await;
}

async fn nothing_of_the_old_holder_is_stored_after_the_takeover(db: Fixture) {
    let other = db.second().await;
    let mut lease = held_receiver(&db).await;
    let place = format!("FROM receivers WHERE id = {}", db.literal(lease.receiver.0));
    for round in 0..12 {
        // Moves its place on and on, until it notices.
        let old = tokio::spawn({
            let receivers = db.database.receivers.clone();
            async move {
                let mut position = round * 1_000_000;
                while receivers.advance(lease, position, Vec::new(), at(0)).await != Err(LeaseError::Lost) {
                    position += 1;
                }
            }
        });
        let new = holder();
        loop {
            end_lease(&db, lease.receiver);
            match other.receivers.take_leases(new, vec![lease.receiver]).await {
                Ok(taken) if taken == [lease.receiver] => break,
                // The holder took it once more; or, on a busy machine, SQLite's lock for all the time that one waits for it.
                Ok(_) | Err(StoreError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let place_then = db.number(&format!("SELECT position AS number {place}"));
        old.await.unwrap();
        assert_eq!(db.number(&format!("SELECT position AS number {place}")), place_then);
        lease.holder = new;
    }
}

async fn a_receiver_that_is_not_known_cannot_be_held(db: Fixture) {
    let lease = Lease { receiver: receiver(), holder: holder() };
    assert_eq!(taken(&db, lease.holder, &[lease.receiver]).await, HashSet::new());
    assert_eq!(db.database.receivers.advance(lease, 1, Vec::new(), at(0)).await, Err(LeaseError::Lost));
    let event = first_event(&db).await;
    let queued = db.database.deliveries.enqueue(lease, vec![delivery_of(&event)], event.position, at(0)).await;
    assert_eq!(queued, Err(LeaseError::Lost));
    assert_eq!(all(&db, endpoint_of(lease)).await, []);
}
