//! Deliveries: queued in the order of each customer's events, tried, recorded.

use chrono::TimeDelta;
use domain::{AfterTry, Change, Customer, DeliveryId, DeliveryStatus, DeliveryTry, EventId, Repeat};
use ports::{DueDelivery, Lease, LeaseError, RecordedTry, StoredEvent};

use crate::delivering::{
    all, delivery_of, due, due_events, end_lease, endpoint_of, event, failing_since, first_event, held_endpoint,
    one_due, queue, record, retry, tried, try_due,
};
use crate::fixture::Fixture;
use crate::making::{at, changed, creation, fresh_uuid, moment, new_customer, policy, regenerated, token};

crate::on_both_databases!(
    a_customers_events_are_due_one_after_the_other,
    a_customers_event_that_is_given_up_lets_the_next_one_go,
    customers_and_endpoints_do_not_wait_for_each_other,
    queueing_moves_the_endpoints_place,
    an_event_is_queued_once,
    a_new_event_makes_its_waiting_predecessor_due_at_once,
    an_event_that_is_queued_during_a_try_makes_the_next_one_due_at_once,
    what_has_been_due_longest_comes_first,
    a_delivery_is_due_from_its_very_moment,
    what_is_due_says_whether_its_token_is_superseded,
    what_is_due_says_how_often_its_token_was_tried_in_vain,
    repeats_wait_for_nobody_and_nobody_waits_for_them,
    tries_are_kept_as_they_were,
    a_try_that_is_recorded_again_changes_nothing,
    an_endpoint_fails_from_the_first_failed_try_to_the_next_accepted_one,
    a_record_of_nothing_says_nothing,
    one_lease_is_not_good_for_another_endpoint,
);

/// A customer's first events, in the order of their sequence.
async fn events_of_one(db: &Fixture, count: u32) -> Vec<StoredEvent> {
    let mut change = creation(new_customer());
    let mut events = Vec::new();
    for number in 1..=count {
        events.push(event(db, &change).await);
        change = regenerated(change.customer(), number, number.into());
    }
    events
}

async fn status(db: &Fixture, lease: Lease, id: DeliveryId) -> DeliveryStatus {
    let all = all(db, endpoint_of(lease)).await;
    all.iter().find(|delivery| delivery.id == id).unwrap().status
}

async fn a_customers_events_are_due_one_after_the_other(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let events = events_of_one(&db, 4).await;
    // Two at once, two one by one.
    let mut ids = queue(&db, lease, &[&events[0], &events[1]], 0).await;
    ids.extend(queue(&db, lease, &[&events[2]], 1).await);
    ids.extend(queue(&db, lease, &[&events[3]], 2).await);
    for (index, event) in events.iter().enumerate() {
        let now = 10 * i64::try_from(index).unwrap() + 10;
        for (waiting, id) in ids.iter().enumerate().skip(index + 1) {
            let expected = DeliveryStatus::Pending { next_try_at: None };
            assert_eq!(status(&db, lease, *id).await, expected, "{waiting} waits for {index}");
        }
        // A retry keeps the place.
        let failed = try_due(&db, lease, now, retry(now + 5)).await;
        assert_eq!((failed.event.id, failed.id, failed.tries), (event.id, ids[index], 0));
        let none = due(&db, lease, now + 4).await;
        assert_eq!((none.deliveries, none.next_at), (Vec::new(), Some(at(now + 5))));
        let accepted = try_due(&db, lease, now + 5, AfterTry::Accepted).await;
        assert_eq!((accepted.event.id, accepted.tries), (event.id, 1));
        assert_eq!(status(&db, lease, ids[index]).await, DeliveryStatus::Accepted { at: at(now + 5) });
    }
    assert_eq!(due(&db, lease, 1_000).await, ports::DueDeliveries::default());
}

async fn a_customers_event_that_is_given_up_lets_the_next_one_go(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let events = events_of_one(&db, 2).await;
    let ids = queue(&db, lease, &[&events[0], &events[1]], 0).await;
    try_due(&db, lease, 1, AfterTry::GiveUp).await;
    assert_eq!(status(&db, lease, ids[0]).await, DeliveryStatus::Failed { at: at(1) });
    assert_eq!(status(&db, lease, ids[1]).await, DeliveryStatus::Pending { next_try_at: Some(at(1)) });
    assert_eq!(one_due(&db, lease, 1).await.event, events[1]);
}

async fn customers_and_endpoints_do_not_wait_for_each_other(db: Fixture) {
    let leases = [held_endpoint(&db).await, held_endpoint(&db).await];
    let (ours, theirs) = (events_of_one(&db, 2).await, events_of_one(&db, 2).await);
    for lease in leases {
        queue(&db, lease, &[&ours[0], &ours[1], &theirs[0], &theirs[1]], 0).await;
    }
    let first = due(&db, leases[0], 0).await.deliveries;
    assert_eq!(first.iter().map(|due| due.event.id).collect::<Vec<_>>(), [ours[0].id, theirs[0].id]);
    record(&db, leases[0], vec![tried(&first[0], 1, retry(50)), tried(&first[1], 1, AfterTry::Accepted)], 1).await;
    assert_eq!(due_events(&db, leases[0], 1).await, [theirs[1].id]);
    assert_eq!(due_events(&db, leases[1], 1).await, [ours[0].id, theirs[0].id], "the other endpoint is where it was");
    // Both of one record.
    let both = due(&db, leases[1], 1).await.deliveries;
    let both = both.iter().map(|due| tried(due, 2, AfterTry::Accepted)).collect();
    record(&db, leases[1], both, 2).await;
    assert_eq!(due_events(&db, leases[1], 2).await, [ours[1].id, theirs[1].id]);
    assert_eq!(due_events(&db, leases[0], 2).await, [theirs[1].id]);
}

async fn queueing_moves_the_endpoints_place(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (first, second, third) = (first_event(&db).await, first_event(&db).await, first_event(&db).await);
    // The second one is none that it takes.
    let taken = vec![delivery_of(&first)];
    db.database.deliveries.enqueue(lease, taken, second.position, at(0)).await.unwrap();
    assert_eq!(db.database.receivers.arrivals(lease.receiver, 10).await.unwrap(), std::slice::from_ref(&third));
    db.database.deliveries.enqueue(lease, Vec::new(), third.position, at(0)).await.unwrap();
    assert_eq!(db.database.receivers.arrivals(lease.receiver, 10).await.unwrap(), []);
    assert_eq!(due_events(&db, lease, 0).await, [first.id]);
    let [delivery] = &all(&db, endpoint_of(lease)).await[..] else { panic!("one is queued") };
    assert_eq!((delivery.event_id, delivery.customer_id), (first.id, first.customer_id));
    assert_eq!((delivery.event_type.as_str(), delivery.repeat), ("verification", None));
    assert_eq!((delivery.created_at, delivery.tries.len()), (at(0), 0));
    assert_eq!(delivery.status, DeliveryStatus::Pending { next_try_at: Some(at(0)) });
}

async fn an_event_is_queued_once(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (first, second) = (first_event(&db).await, first_event(&db).await);
    queue(&db, lease, &[&first], 0).await;
    let before = all(&db, endpoint_of(lease)).await;
    let again = vec![delivery_of(&second), delivery_of(&first)];
    let refused = db.database.deliveries.enqueue(lease, again, second.position, at(1)).await;
    assert!(matches!(refused, Err(LeaseError::Store(_))), "{refused:?}");
    assert_eq!(all(&db, endpoint_of(lease)).await, before);
    assert_eq!(db.database.receivers.arrivals(lease.receiver, 10).await.unwrap(), [second], "the place did not move");
}

async fn a_new_event_makes_its_waiting_predecessor_due_at_once(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (ours, theirs) = (events_of_one(&db, 3).await, events_of_one(&db, 1).await);
    queue(&db, lease, &[&ours[0], &theirs[0]], 0).await;
    let both = due(&db, lease, 0).await.deliveries;
    record(&db, lease, both.iter().map(|due| tried(due, 1, retry(5_000))).collect(), 1).await;
    queue(&db, lease, &[&ours[1]], 2).await;
    let due_now = due(&db, lease, 2).await;
    assert_eq!(due_now.deliveries.iter().map(|due| due.event.id).collect::<Vec<_>>(), [ours[0].id]);
    assert_eq!(due_now.next_at, Some(at(5_000)), "the other customer's waits as before");
    // It is a try more, not the schedule that begins anew; and once more for the next event.
    assert_eq!(due_now.deliveries[0].tries, 1);
    try_due(&db, lease, 3, retry(6_000)).await;
    queue(&db, lease, &[&ours[2]], 4).await;
    assert_eq!(one_due(&db, lease, 4).await.event, ours[0]);
    // One that is due already stays due since then.
    let due = one_due(&db, lease, 9).await;
    assert_eq!(status(&db, lease, due.id).await, DeliveryStatus::Pending { next_try_at: Some(at(4)) });
}

async fn an_event_that_is_queued_during_a_try_makes_the_next_one_due_at_once(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (ours, theirs) = (events_of_one(&db, 2).await, events_of_one(&db, 1).await);
    queue(&db, lease, &[&ours[0]], 0).await;
    let under_way = tried(&one_due(&db, lease, 10).await, 10, retry(5_000));
    queue(&db, lease, &[&ours[1], &theirs[0]], 11).await;
    let other = due(&db, lease, 11).await.deliveries.remove(1);
    record(&db, lease, vec![under_way, tried(&other, 11, retry(5_000))], 12).await;
    let due_now = due(&db, lease, 12).await;
    assert_eq!(due_now.deliveries.iter().map(|due| due.event.id).collect::<Vec<_>>(), [ours[0].id]);
    assert_eq!(due_now.next_at, Some(at(5_000)), "the other customer has no news");
    // The next try begins after the news: it is no news any more.
    try_due(&db, lease, 13, retry(7_000)).await;
    assert_eq!(due(&db, lease, 14).await.deliveries, []);
    // A repeat is in no order, and hears no news.
    let accepted = first_event(&db).await;
    queue(&db, lease, &[&accepted], 15).await;
    let accepted = try_due(&db, lease, 15, AfterTry::Accepted).await;
    let repeat = DeliveryId::from(fresh_uuid());
    let endpoint = endpoint_of(lease);
    assert!(db.database.deliveries.redeliver(endpoint, accepted.id, repeat, at(20), None).await.unwrap());
    let under_way = tried(&one_due(&db, lease, 20).await, 20, retry(5_000));
    let customer = db.find(accepted.event.customer_id).await.unwrap();
    queue(&db, lease, &[&event(&db, &regenerated(&customer, 7, 9)).await], 21).await;
    record(&db, lease, vec![under_way], 22).await;
    assert_eq!(status(&db, lease, repeat).await, DeliveryStatus::Pending { next_try_at: Some(at(5_000)) });
}

async fn what_has_been_due_longest_comes_first(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(first_event(&db).await);
    }
    queue(&db, lease, &events.iter().collect::<Vec<_>>(), 0).await;
    assert_eq!(due_events(&db, lease, 0).await, ids(&events), "at the same time in the order of the log");
    let all = due(&db, lease, 0).await.deliveries;
    let retries = [30, 10, 50, 20, 40];
    record(&db, lease, all.iter().zip(retries).map(|(due, at)| tried(due, 1, retry(at))).collect(), 1).await;
    let some = db.database.deliveries.due(endpoint, at(30), 10).await.unwrap();
    let in_order: Vec<EventId> = some.deliveries.iter().map(|due| due.event.id).collect();
    assert_eq!(in_order, [events[1].id, events[3].id, events[0].id]);
    assert_eq!(some.next_at, Some(at(40)));
    for limit in 1..3 {
        let fewer = db.database.deliveries.due(endpoint, at(30), limit).await.unwrap();
        assert_eq!(fewer.deliveries, some.deliveries[..usize::try_from(limit).unwrap()]);
        assert_eq!(fewer.next_at, Some(at(40)), "the next that is not due, not the next of those that are");
    }
    assert_eq!(due(&db, lease, 50).await.next_at, None);
}

fn ids(events: &[StoredEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

async fn a_delivery_is_due_from_its_very_moment(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let event = first_event(&db).await;
    queue(&db, lease, &[&event], 0).await;
    try_due(&db, lease, 1, retry(10)).await;
    let just_before = at(10) - TimeDelta::milliseconds(1);
    let none = db.database.deliveries.due(endpoint_of(lease), just_before, 10).await.unwrap();
    assert_eq!((none.deliveries, none.next_at), (Vec::new(), Some(at(10))));
    let due = one_due(&db, lease, 10).await;
    assert_eq!((due.event, due.tries, due.repeat), (event, 1, None));
}

async fn is_superseded(db: &Fixture, lease: Lease) -> bool {
    one_due(db, lease, 0).await.is_superseded
}

async fn what_is_due_says_whether_its_token_is_superseded(db: Fixture) {
    let confirm = |customer: &Customer| changed(customer.confirm(token(42), moment(1), &policy()));
    let regenerate = |customer: &Customer| regenerated(customer, 7, 0);
    let same_digits = |customer: &Customer| regenerated(customer, 42, 1);
    for supersede in [confirm as fn(&Customer) -> Change, regenerate, same_digits] {
        let lease = held_endpoint(&db).await;
        let change = creation(new_customer());
        queue(&db, lease, &[&event(&db, &change).await], 0).await;
        assert!(!is_superseded(&db, lease).await);
        db.save(&supersede(change.customer())).await;
        assert!(is_superseded(&db, lease).await);
    }
    // A customer who is gone has no token.
    let lease = held_endpoint(&db).await;
    let gone = first_event(&db).await;
    queue(&db, lease, &[&gone], 0).await;
    let id = db.literal(gone.customer_id.uuid());
    db.execute(&format!("DELETE FROM phone_number_claims WHERE customer_id = {id}"));
    db.execute(&format!("DELETE FROM customers WHERE id = {id}"));
    assert!(is_superseded(&db, lease).await);
    // An event without a token is never superseded, whatever has become of its customer.
    let lease = held_endpoint(&db).await;
    let change = creation(new_customer());
    db.save(&change).await;
    let confirmed = event(&db, &confirm(change.customer())).await;
    queue(&db, lease, &[&confirmed], 0).await;
    assert!(!is_superseded(&db, lease).await);
    let id = db.literal(confirmed.customer_id.uuid());
    db.execute(&format!("DELETE FROM phone_number_claims WHERE customer_id = {id}"));
    db.execute(&format!("DELETE FROM customers WHERE id = {id}"));
    assert!(!is_superseded(&db, lease).await);
}

async fn what_is_due_says_how_often_its_token_was_tried_in_vain(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let change = creation(new_customer());
    queue(&db, lease, &[&event(&db, &change).await], 0).await;
    let mut customer = change.customer().clone();
    for wrong_tries in 0..3 {
        let due = one_due(&db, lease, 0).await;
        assert_eq!((due.wrong_tries, due.is_superseded), (wrong_tries, false));
        customer = db.save(&customer.confirm(token(1), moment(1), &policy()).change.unwrap()).await;
    }
    // They are of that token: there is another one now.
    db.save(&regenerated(&customer, 7, 2)).await;
    let due = one_due(&db, lease, 0).await;
    assert_eq!((due.wrong_tries, due.is_superseded), (0, true));
}

async fn repeats_wait_for_nobody_and_nobody_waits_for_them(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let events = events_of_one(&db, 3).await;
    queue(&db, lease, &[&events[0]], 0).await;
    let first = try_due(&db, lease, 0, AfterTry::Accepted).await;
    queue(&db, lease, &[&events[1], &events[2]], 0).await;
    try_due(&db, lease, 1, retry(5_000)).await;
    // The second waits for its next try and the third for the second; the repeat of the first for neither.
    let [again, replay] = [DeliveryId::from(fresh_uuid()), DeliveryId::from(fresh_uuid())];
    assert!(db.database.deliveries.redeliver(endpoint, first.id, again, at(2), None).await.unwrap());
    let repeat = |event| ports::NewDelivery { id: replay, ..delivery_of(event) };
    db.database
        .deliveries
        .enqueue_repeats(endpoint, vec![repeat(&events[0])], Repeat::Replay, at(3), None)
        .await
        .unwrap();
    let due_now = due(&db, lease, 3).await;
    let shown: Vec<_> = due_now.deliveries.iter().map(|due| (due.id, due.repeat, due.event.id)).collect();
    let [redelivery, replayed] = [Some(Repeat::Redelivery), Some(Repeat::Replay)];
    assert_eq!(shown, [(again, redelivery, events[0].id), (replay, replayed, events[0].id)]);
    assert_eq!(due_now.next_at, Some(at(5_000)), "what waits is not hastened by a repeat");
    // Accepted or given up, it lets nobody go.
    let ends = [AfterTry::Accepted, AfterTry::GiveUp];
    record(&db, lease, due_now.deliveries.iter().zip(ends).map(|(due, end)| tried(due, 4, end)).collect(), 4).await;
    assert_eq!(due(&db, lease, 4_999).await.deliveries, []);
    // A repeat that is pending before them keeps none of them waiting.
    let last = DeliveryId::from(fresh_uuid());
    assert!(db.database.deliveries.redeliver(endpoint, first.id, last, at(5), None).await.unwrap());
    try_due(&db, lease, 5, retry(9_000)).await;
    for event in &events[1..] {
        assert_eq!(try_due(&db, lease, 5_000, AfterTry::Accepted).await.event, *event);
    }
    assert_eq!(due(&db, lease, 5_000).await.next_at, Some(at(9_000)));
    assert_eq!(one_due(&db, lease, 9_000).await.tries, 1);
}

/// Tries of every form that there is.
fn tries_of(due: &DueDelivery) -> Vec<RecordedTry> {
    let try_at = |seconds, status_code, answer: Option<&str>, error: Option<&str>| DeliveryTry {
        at: at(seconds),
        duration: TimeDelta::milliseconds(15_000 - seconds),
        status_code,
        answer: answer.map(str::to_owned),
        error: error.map(str::to_owned),
    };
    let longest = "é".repeat(DeliveryTry::MAX_ANSWER / 2);
    let forms = [
        (try_at(1, None, None, Some("no answer within 15 s")), retry(2)),
        (try_at(2, Some(500), Some(""), None), retry(3)),
        (try_at(3, Some(999), Some(&longest), None), retry(4)),
        (try_at(4, Some(302), Some("'\"\\\n\u{7f}"), Some("both")), retry(5)),
        (try_at(5, Some(204), None, None), AfterTry::Accepted),
    ];
    let recorded = |(number, (one, then)): (u32, (DeliveryTry, AfterTry))| RecordedTry {
        number,
        tried: one,
        ..tried(due, 0, then)
    };
    (1..).zip(forms).map(recorded).collect()
}

async fn tries_are_kept_as_they_were(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (first, second) = (first_event(&db).await, first_event(&db).await);
    let queued = queue(&db, lease, &[&first, &second], 0).await;
    let both = due(&db, lease, 0).await.deliveries;
    let (tries, others) = (tries_of(&both[0]), tries_of(&both[1]));
    for (index, tried) in tries.iter().enumerate() {
        let other = (index == 2).then(|| RecordedTry { number: 1, ..others[2].clone() });
        record(&db, lease, [tried.clone()].into_iter().chain(other).collect(), tried.number.into()).await;
        let all = all(&db, endpoint_of(lease)).await;
        assert_eq!(all.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), [queued[1], queued[0]]);
        let expected: Vec<DeliveryTry> = tries[..=index].iter().map(|tried| tried.tried.clone()).collect();
        assert_eq!(all[1].tries, expected);
        assert_eq!(all[0].tries.len(), usize::from(index >= 2), "each with its own");
    }
    assert_eq!(status(&db, lease, queued[0]).await, DeliveryStatus::Accepted { at: at(5) });
    assert_eq!(status(&db, lease, queued[1]).await, DeliveryStatus::Pending { next_try_at: Some(at(4)) });
}

/// The answer to a commit may be lost: whoever does not know whether it was stored stores it again.
async fn a_try_that_is_recorded_again_changes_nothing(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (ours, theirs, last) = (events_of_one(&db, 2).await, first_event(&db).await, first_event(&db).await);
    queue(&db, lease, &[&ours[0], &ours[1], &theirs, &last], 0).await;
    let three = due(&db, lease, 0).await.deliveries;
    let ends = [AfterTry::Accepted, retry(50), AfterTry::GiveUp];
    let tries: Vec<RecordedTry> = three.iter().zip(ends).map(|(due, then)| tried(due, 1, then)).collect();
    record(&db, lease, tries.clone(), 2).await;
    let before = (all(&db, endpoint_of(lease)).await, due(&db, lease, 60).await);
    assert_eq!(before.1.deliveries.iter().map(|due| due.tries).collect::<Vec<_>>(), [0, 1]);
    record(&db, lease, tries, 2).await;
    assert_eq!((all(&db, endpoint_of(lease)).await, due(&db, lease, 60).await), before);
}

async fn an_endpoint_fails_from_the_first_failed_try_to_the_next_accepted_one(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let (first, second, third) = (first_event(&db).await, first_event(&db).await, first_event(&db).await);
    queue(&db, lease, &[&first], 0).await;
    assert_eq!(failing_since(&db, endpoint).await, None);
    for (seconds, then) in [(10, retry(20)), (20, retry(30)), (30, AfterTry::GiveUp)] {
        try_due(&db, lease, seconds, then).await;
        assert_eq!(failing_since(&db, endpoint).await, Some(at(10)));
    }
    // One that is accepted among others ends it.
    queue(&db, lease, &[&second, &third], 40).await;
    let both = due(&db, lease, 40).await.deliveries;
    record(&db, lease, vec![tried(&both[0], 41, AfterTry::Accepted), tried(&both[1], 41, retry(50))], 41).await;
    assert_eq!(failing_since(&db, endpoint).await, None);
    try_due(&db, lease, 50, retry(60)).await;
    assert_eq!(failing_since(&db, endpoint).await, Some(at(50)));
    try_due(&db, lease, 60, AfterTry::Accepted).await;
    assert_eq!(failing_since(&db, endpoint).await, None);
    // When its settings last changed is another matter.
    assert_eq!(db.database.endpoints.find(endpoint).await.unwrap().unwrap().endpoint.updated_at, at(0));
}

async fn a_record_of_nothing_says_nothing(db: Fixture) {
    let lease = held_endpoint(&db).await;
    record(&db, lease, Vec::new(), 1).await;
    assert_eq!(failing_since(&db, endpoint_of(lease)).await, None);
    end_lease(&db, lease.receiver);
    db.database.receivers.release_leases(lease.holder).await.unwrap();
    let lost = db.database.deliveries.record(lease, Vec::new(), at(1)).await;
    assert_eq!(lost, Err(LeaseError::Lost));
}

async fn one_lease_is_not_good_for_another_endpoint(db: Fixture) {
    let (ours, theirs) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let event = first_event(&db).await;
    let mixed = Lease { receiver: theirs.receiver, holder: ours.holder };
    let refused = db.database.deliveries.enqueue(mixed, vec![delivery_of(&event)], event.position, at(0)).await;
    assert_eq!(refused, Err(LeaseError::Lost));
    assert_eq!(all(&db, endpoint_of(theirs)).await, []);
}
