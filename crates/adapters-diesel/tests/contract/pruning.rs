//! Removing what is old, and what deleted endpoints have left.

use domain::{AfterTry, Customer, DeliveryId, EventId, NumberMemory, Repeat};
use ports::{EventQuery, Lease, ReceiverId, StoredEvent};

use crate::delivering::{
    all, delivery_of, due_events, endpoint_of, event, held_endpoint, held_receiver, one_due, queue, record, retry,
    tried, try_due,
};
use crate::fixture::Fixture;
use crate::making::{at, changed, creation, fresh_uuid, moment, new_customer, policy, regenerated, token};

crate::on_both_databases!(
    what_is_old_and_done_goes_with_its_deliveries_and_their_tries,
    what_is_young_stays,
    what_a_receiver_has_not_come_past_stays,
    what_is_pending_stays_for_those_who_count,
    who_waited_for_what_is_removed_waits_no_more,
    without_receivers_nothing_is_waited_for,
    pruning_goes_on_from_the_place_that_it_returns,
    an_event_that_is_not_numbered_yet_stays,
    a_deleted_endpoints_deliveries_are_removed_in_pieces,
    where_no_endpoint_was_deleted_there_is_nothing_to_remove,
);

/// An event of another customer that happened then.
async fn event_at(db: &Fixture, seconds: i64) -> StoredEvent {
    event(
        db,
        &changed(Customer::create(new_customer(), &NumberMemory::default(), token(42), moment(seconds), &policy())),
    )
    .await
}

/// The events that are still there.
async fn left(db: &Fixture) -> Vec<EventId> {
    let query = EventQuery { after: None, customer_id: None, limit: 1_000 };
    let page = db.database.events.page(query).await.unwrap().unwrap();
    page.events.iter().map(|event| event.id).collect()
}

fn ids<'a>(events: impl IntoIterator<Item = &'a StoredEvent>) -> Vec<EventId> {
    events.into_iter().map(|event| event.id).collect()
}

/// Prunes from the beginning to the end, in pieces.
async fn prune(db: &Fixture, before: i64, receivers: &[Lease], limit: u32) {
    let receivers: Vec<ReceiverId> = receivers.iter().map(|lease| lease.receiver).collect();
    let mut after = 0;
    while let Some(next) = db.database.deliveries.prune(at(before), receivers.clone(), after, limit).await.unwrap() {
        assert!(next > after, "it goes on");
        after = next;
    }
}

fn count(db: &Fixture, table: &str) -> i64 {
    db.number(&format!("SELECT count(*) AS number FROM {table}"))
}

async fn pass(db: &Fixture, lease: Lease, event: &StoredEvent) {
    db.database.receivers.advance(lease, event.position, Vec::new(), at(0)).await.unwrap();
}

async fn what_is_old_and_done_goes_with_its_deliveries_and_their_tries(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let events = [event_at(&db, 1).await, event_at(&db, 2).await, event_at(&db, 3).await];
    for lease in [lease, other] {
        for (event, end) in events.iter().zip([AfterTry::Accepted, AfterTry::GiveUp, AfterTry::Accepted]) {
            queue(&db, lease, &[event], 4).await;
            try_due(&db, lease, 4, retry(5)).await;
            try_due(&db, lease, 5, end).await;
        }
        let first = all(&db, endpoint_of(lease)).await[2].id;
        let repeat = DeliveryId::from(fresh_uuid());
        assert!(db.database.deliveries.redeliver(endpoint_of(lease), first, repeat, at(6), None).await.unwrap());
        try_due(&db, lease, 6, AfterTry::Accepted).await;
    }
    assert_eq!((count(&db, "deliveries"), count(&db, "delivery_tries")), (8, 14));
    prune(&db, 3, &[lease, other], 100).await;
    assert_eq!(left(&db).await, ids(&events[2..]));
    assert_eq!((count(&db, "deliveries"), count(&db, "delivery_tries")), (2, 4));
    for lease in [lease, other] {
        let [delivery] = &all(&db, endpoint_of(lease)).await[..] else { panic!("one is left") };
        assert_eq!((delivery.event_id, delivery.tries.len()), (events[2].id, 2));
    }
    // The customers are not what is old.
    for event in events {
        assert!(db.find(event.customer_id).await.is_some());
    }
}

async fn what_is_young_stays(db: Fixture) {
    let lease = held_receiver(&db).await;
    let events = [event_at(&db, 1).await, event_at(&db, 9).await, event_at(&db, 2).await, event_at(&db, 10).await];
    pass(&db, lease, &events[3]).await;
    prune(&db, 9, &[lease], 100).await;
    assert_eq!(left(&db).await, ids([&events[1], &events[3]]), "that very moment is young");
    // Nothing to go on to: what follows is too young.
    let next = db.database.deliveries.prune(at(9), vec![lease.receiver], 0, 1).await.unwrap();
    assert_eq!(next, None);
}

async fn what_a_receiver_has_not_come_past_stays(db: Fixture) {
    let (fast, slow) = (held_receiver(&db).await, held_endpoint(&db).await);
    let events = [event_at(&db, 1).await, event_at(&db, 2).await, event_at(&db, 3).await, event_at(&db, 4).await];
    pass(&db, fast, &events[3]).await;
    prune(&db, 100, &[fast, slow], 100).await;
    assert_eq!(left(&db).await, ids(&events));
    pass(&db, slow, &events[1]).await;
    prune(&db, 100, &[fast, slow], 100).await;
    assert_eq!(left(&db).await, ids(&events[2..]));
    // Who does not count is not waited for; nor is one that nobody knows.
    let nobody = Lease { receiver: crate::delivering::receiver(), ..fast };
    prune(&db, 100, &[fast, nobody], 100).await;
    assert_eq!(left(&db).await, ids(&events[3..]), "the last event stays: readers go on from it");
}

async fn what_is_pending_stays_for_those_who_count(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let events = [event_at(&db, 1).await, event_at(&db, 2).await, event_at(&db, 3).await, event_at(&db, 4).await];
    for lease in [lease, other] {
        queue(&db, lease, &[&events[0], &events[1]], 4).await;
        pass(&db, lease, &events[3]).await;
    }
    let both = crate::delivering::due(&db, lease, 4).await.deliveries;
    record(&db, lease, vec![tried(&both[0], 5, AfterTry::Accepted), tried(&both[1], 5, retry(6))], 5).await;
    // A repeat that is pending keeps its event too.
    let repeat = vec![delivery_of(&events[2])];
    db.database.deliveries.enqueue_repeats(endpoint_of(lease), repeat, Repeat::Replay, at(9), None).await.unwrap();
    prune(&db, 100, &[lease, other], 100).await;
    assert_eq!(left(&db).await, ids(&events), "the first is pending for the other");
    assert_eq!(count(&db, "delivery_tries"), 2);
    prune(&db, 100, &[lease], 100).await;
    assert_eq!(left(&db).await, ids(&events[1..]));
    assert_eq!(all(&db, endpoint_of(other)).await.len(), 1, "its pending delivery went with the event");
    assert_eq!(count(&db, "delivery_tries"), 1);
    assert_eq!(due_events(&db, other, 9).await, [events[1].id]);
    prune(&db, 100, &[other], 100).await;
    assert_eq!(left(&db).await, ids([&events[1], &events[3]]));
}

/// A disabled endpoint does not count, and may be enabled again.
async fn who_waited_for_what_is_removed_waits_no_more(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let change = creation(new_customer());
    let first = event(&db, &change).await;
    let change = regenerated(change.customer(), 1, 50);
    let second = event(&db, &change).await;
    let third = event(&db, &regenerated(change.customer(), 2, 60)).await;
    for lease in [lease, other] {
        queue(&db, lease, &[&first, &second, &third], 60).await;
        assert_eq!(due_events(&db, lease, 60).await, [first.id]);
    }
    try_due(&db, other, 60, AfterTry::Accepted).await;
    prune(&db, 50, &[other], 100).await;
    assert_eq!(left(&db).await, ids([&second, &third]));
    assert_eq!(due_events(&db, lease, 100).await, [second.id], "it is the first of his now, and the third waits");
    assert_eq!(due_events(&db, other, 100).await, [second.id]);
}

async fn without_receivers_nothing_is_waited_for(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let events = [event_at(&db, 1).await, event_at(&db, 2).await];
    queue(&db, lease, &[&events[0]], 0).await;
    prune(&db, 2, &[], 100).await;
    assert_eq!(left(&db).await, ids(&events[1..]));
    assert_eq!(all(&db, endpoint_of(lease)).await, []);
}

async fn pruning_goes_on_from_the_place_that_it_returns(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let mut events = Vec::new();
    for _ in 0..7 {
        events.push(event_at(&db, 1).await);
    }
    // Two that stay in between.
    queue(&db, lease, &[&events[1], &events[4]], 1).await;
    pass(&db, lease, &events[6]).await;
    let receivers = vec![lease.receiver];
    let next = db.database.deliveries.prune(at(2), receivers.clone(), 0, 3).await.unwrap();
    assert_eq!(next, Some(events[2].position));
    assert_eq!(left(&db).await.len(), 5, "no more than it was to look at");
    prune(&db, 2, &[lease], 2).await;
    assert_eq!(left(&db).await, ids([&events[1], &events[4], &events[6]]));
    let end = db.database.deliveries.prune(at(2), receivers.clone(), events[6].position, 2).await.unwrap();
    assert_eq!(end, None);
    // An end that is young, behind a piece that is not.
    event_at(&db, 50).await;
    let next = db.database.deliveries.prune(at(2), receivers, 0, 100).await.unwrap();
    assert_eq!(next, None);
}

async fn an_event_that_is_not_numbered_yet_stays(db: Fixture) {
    let change = creation(new_customer());
    db.save(&change).await;
    prune(&db, 100, &[], 100).await;
    assert_eq!(left(&db).await, [change.events()[0].id]);
}

async fn a_deleted_endpoints_deliveries_are_removed_in_pieces(db: Fixture) {
    let (lease, second, stays) = (held_endpoint(&db).await, held_endpoint(&db).await, held_endpoint(&db).await);
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(event_at(&db, 1).await);
    }
    for lease in [lease, second, stays] {
        queue(&db, lease, &events.iter().collect::<Vec<_>>(), 1).await;
        let due = crate::delivering::due(&db, lease, 1).await.deliveries;
        record(&db, lease, due.iter().take(3).map(|due| tried(due, 2, AfterTry::Accepted)).collect(), 2).await;
    }
    db.database.endpoints.delete(endpoint_of(lease)).await.unwrap();
    db.database.endpoints.delete(endpoint_of(second)).await.unwrap();
    let mut before = count(&db, "deliveries");
    let mut rounds = 0;
    while db.database.deliveries.prune_deleted(2).await.unwrap() {
        let now = count(&db, "deliveries");
        assert!(before - now <= 2, "in small pieces");
        before = now;
        rounds += 1;
        assert!(rounds < 20, "there is an end");
    }
    assert_eq!((count(&db, "deliveries"), count(&db, "delivery_tries")), (5, 3), "nobody else's");
    assert_eq!((count(&db, "webhook_endpoints"), count(&db, "receivers")), (1, 1), "no trace is left");
    assert_eq!(left(&db).await.len(), 5, "the events are others' too");
    assert_eq!(all(&db, endpoint_of(stays)).await.len(), 5);
    assert!(!db.database.deliveries.prune_deleted(2).await.unwrap());
}

async fn where_no_endpoint_was_deleted_there_is_nothing_to_remove(db: Fixture) {
    assert!(!db.database.deliveries.prune_deleted(10).await.unwrap());
    let lease = held_endpoint(&db).await;
    let event = event_at(&db, 1).await;
    queue(&db, lease, &[&event], 1).await;
    assert!(!db.database.deliveries.prune_deleted(10).await.unwrap());
    assert_eq!(one_due(&db, lease, 1).await.event, event);
}
