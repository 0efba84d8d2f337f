//! Looking at deliveries, and delivering again.

use domain::{AfterTry, DeliveryId, DeliveryStatus, EndpointId, EventType, Repeat};
use ports::{DeliveryPage, DeliveryQuery, DeliveryStatusFilter, DueDeliveries, NewDelivery, ReplayQuery, StoredEvent};

use crate::delivering::{
    all, due, due_events, endpoint_of, event, first_event, held_endpoint, new_endpoint, queue, record, retry, tried,
    try_due,
};
use crate::fixture::Fixture;
use crate::making::{at, changed, fresh_uuid, moment, new_customer, policy, token};

crate::on_both_databases!(
    deliveries_are_listed_newest_first_in_pages,
    deliveries_are_listed_by_where_they_stand,
    after_what_is_no_delivery_of_the_endpoint_there_is_no_page,
    a_delivery_is_queued_again_whatever_became_of_it,
    only_an_endpoints_own_delivery_is_queued_again,
    what_an_endpoint_has_come_past_can_be_replayed,
    events_to_replay_are_read_in_pieces,
    an_endpoint_that_is_not_known_has_nothing_to_replay,
    repeats_are_queued_all_or_none,
    an_endpoint_that_is_gone_gets_no_repeats,
    all_deliveries_of_a_customer_are_found_however_many_there_are,
);

fn query(endpoint_id: EndpointId, after: Option<DeliveryId>, limit: u32) -> DeliveryQuery {
    DeliveryQuery { endpoint_id, status: None, after, limit }
}

async fn list(db: &Fixture, query: DeliveryQuery) -> (Vec<DeliveryId>, bool) {
    let page = db.database.deliveries.list(query).await.unwrap().expect("a page");
    (page.deliveries.iter().map(|delivery| delivery.id).collect(), page.more)
}

async fn deliveries_are_listed_newest_first_in_pages(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let endpoint = endpoint_of(lease);
    let empty = db.database.deliveries.list(query(endpoint, None, 10)).await.unwrap();
    assert_eq!(empty, Some(DeliveryPage::default()));
    let mut queued = Vec::new();
    for _ in 0..5 {
        let event = first_event(&db).await;
        queue(&db, other, &[&event], 0).await;
        queued.extend(queue(&db, lease, &[&event], 0).await);
    }
    queued.reverse();
    for limit in [1, 2, 4, 5, 6] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (ids, more) = list(&db, query(endpoint, after, limit)).await;
            after = ids.last().copied();
            seen.extend(ids);
            if !more {
                break;
            }
            assert_eq!(seen.len() % usize::try_from(limit).unwrap(), 0);
        }
        assert_eq!(seen, queued, "in pages of {limit}");
    }
    assert_eq!(list(&db, query(endpoint, queued.last().copied(), 5)).await, (Vec::new(), false));
    let nobody = query(EndpointId::from(fresh_uuid()), None, 5);
    assert_eq!(list(&db, nobody).await, (Vec::new(), false));
}

async fn deliveries_are_listed_by_where_they_stand(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let mut events = Vec::new();
    for _ in 0..9 {
        events.push(first_event(&db).await);
    }
    let mut queued = queue(&db, lease, &events.iter().collect::<Vec<_>>(), 0).await;
    let tries = due(&db, lease, 0).await.deliveries;
    let ends = [AfterTry::Accepted, AfterTry::GiveUp, retry(5)];
    let tries = tries.iter().zip(ends.iter().cycle()).map(|(due, end)| tried(due, 1, *end)).collect();
    record(&db, lease, tries, 1).await;
    queued.reverse();
    let every_third = |from: usize| queued.iter().skip(from).step_by(3).copied().collect::<Vec<_>>();
    for (status, expected) in [
        (DeliveryStatusFilter::Pending, every_third(0)),
        (DeliveryStatusFilter::Failed, every_third(1)),
        (DeliveryStatusFilter::Accepted, every_third(2)),
    ] {
        let of_status = |after, limit| DeliveryQuery { status: Some(status), ..query(endpoint, after, limit) };
        assert_eq!(list(&db, of_status(None, 3)).await, (expected.clone(), false), "{status:?}");
        assert_eq!(list(&db, of_status(None, 2)).await, (expected[..2].to_vec(), true), "{status:?}");
        assert_eq!(list(&db, of_status(Some(expected[1]), 2)).await, (expected[2..].to_vec(), false), "{status:?}");
        // After one that stands otherwise.
        assert_eq!(
            list(&db, of_status(Some(queued[3]), 2)).await.0.first(),
            expected[1..].iter().find(|id| **id < queued[3])
        );
    }
}

async fn after_what_is_no_delivery_of_the_endpoint_there_is_no_page(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let event = first_event(&db).await;
    let others = queue(&db, other, &[&event], 0).await[0];
    queue(&db, lease, &[&event], 0).await;
    for after in [others, DeliveryId::from(fresh_uuid())] {
        let page = db.database.deliveries.list(query(endpoint_of(lease), Some(after), 5)).await.unwrap();
        assert_eq!(page, None);
    }
}

async fn a_delivery_is_queued_again_whatever_became_of_it(db: Fixture) {
    let ends = [Some(AfterTry::Accepted), Some(AfterTry::GiveUp), Some(retry(5_000)), None];
    for end in ends {
        let lease = held_endpoint(&db).await;
        let endpoint = endpoint_of(lease);
        let event = first_event(&db).await;
        let first = queue(&db, lease, &[&event], 0).await[0];
        if let Some(then) = end {
            try_due(&db, lease, 1, then).await;
        }
        let before = all(&db, endpoint).await;
        let id = DeliveryId::from(fresh_uuid());
        assert!(db.database.deliveries.redeliver(endpoint, first, id, at(9), None).await.unwrap());
        let repeat = db.database.deliveries.find_delivery(endpoint, id).await.unwrap().unwrap();
        assert_eq!((repeat.id, repeat.endpoint_id, repeat.event_id), (id, endpoint, event.id));
        assert_eq!((repeat.event_type.as_str(), repeat.customer_id), ("verification", event.customer_id));
        assert_eq!((repeat.repeat, repeat.created_at), (Some(Repeat::Redelivery), at(9)));
        assert_eq!(repeat.status, DeliveryStatus::Pending { next_try_at: Some(at(9)) });
        assert_eq!(repeat.tries, [], "its tries are its own");
        let after = all(&db, endpoint).await;
        assert_eq!(after.first(), Some(&repeat));
        assert_eq!(after[1..], before, "what it repeats stays as it is");
        // A repeat can be repeated.
        let again = DeliveryId::from(fresh_uuid());
        assert!(db.database.deliveries.redeliver(endpoint, id, again, at(10), None).await.unwrap());
        let again = db.database.deliveries.find_delivery(endpoint, again).await.unwrap().unwrap();
        assert_eq!(again.event_id, event.id);
    }
}

async fn only_an_endpoints_own_delivery_is_queued_again(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let event = first_event(&db).await;
    let others = queue(&db, other, &[&event], 0).await[0];
    for delivery in [others, DeliveryId::from(fresh_uuid())] {
        let repeat = DeliveryId::from(fresh_uuid());
        assert!(!db.database.deliveries.redeliver(endpoint_of(lease), delivery, repeat, at(0), None).await.unwrap());
    }
    assert_eq!(all(&db, endpoint_of(lease)).await, []);
    assert_eq!(all(&db, endpoint_of(other)).await.len(), 1);
}

/// What an endpoint could be sent again, by position.
async fn replayable(db: &Fixture, query: ReplayQuery) -> Vec<i64> {
    let events = db.database.deliveries.replayable(query).await.unwrap();
    events.iter().map(|event| event.position).collect()
}

async fn what_an_endpoint_has_come_past_can_be_replayed(db: Fixture) {
    // Before the endpoint was made: it has come past that too.
    let create = |seconds| {
        let decision = domain::Customer::create(
            new_customer(),
            &domain::NumberMemory::default(),
            token(42),
            moment(seconds),
            &policy(),
        );
        changed(decision)
    };
    let mut events: Vec<StoredEvent> = Vec::new();
    for seconds in [10, 20] {
        events.push(event(&db, &create(seconds)).await);
    }
    let lease = held_endpoint(&db).await;
    for seconds in [30, 40, 50] {
        events.push(event(&db, &create(seconds)).await);
    }
    queue(&db, lease, &[&events[2], &events[3]], 60).await;
    let since = |since| ReplayQuery {
        endpoint_id: endpoint_of(lease),
        event_types: EventType::ALL.to_vec(),
        since,
        after: 0,
        limit: 100,
    };
    let of = |range: std::ops::Range<usize>| events[range].iter().map(|event| event.position).collect::<Vec<_>>();
    assert_eq!(replayable(&db, since(at(0))).await, of(0..4), "the last one it has not come past");
    assert_eq!(replayable(&db, since(at(20))).await, of(1..4), "that very moment is included");
    assert_eq!(replayable(&db, since(at(20) + chrono::TimeDelta::milliseconds(1))).await, of(2..4));
    assert_eq!(replayable(&db, since(at(50))).await, of(0..0));
    assert_eq!(replayable(&db, ReplayQuery { event_types: Vec::new(), ..since(at(0)) }).await, of(0..0));
    // A type that only a later release knows is nobody's.
    db.execute(&format!("UPDATE events SET type = 'new' WHERE position = {}", events[2].position));
    assert_eq!(replayable(&db, since(at(20))).await, [events[1].position, events[3].position]);
    let found = db.database.deliveries.replayable(since(at(40))).await.unwrap();
    let found: Vec<_> = found.iter().map(|event| (event.event_id, event.customer_id)).collect();
    assert_eq!(found, [(events[3].id, events[3].customer_id)]);
}

async fn events_to_replay_are_read_in_pieces(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let mut positions = Vec::new();
    for _ in 0..5 {
        let event = first_event(&db).await;
        positions.push(event.position);
        queue(&db, lease, &[&event], 0).await;
    }
    for limit in [1, 2, 5, 6] {
        let mut query = ReplayQuery {
            endpoint_id: endpoint_of(lease),
            event_types: EventType::ALL.to_vec(),
            since: at(0),
            after: 0,
            limit,
        };
        let mut seen = Vec::new();
        loop {
            let piece = replayable(&db, query.clone()).await;
            let Some(last) = piece.last() else { break };
            assert!(piece.len() <= usize::try_from(limit).unwrap());
            query.after = *last;
            seen.extend(piece);
        }
        assert_eq!(seen, positions, "in pieces of {limit}");
    }
}

async fn an_endpoint_that_is_not_known_has_nothing_to_replay(db: Fixture) {
    first_event(&db).await;
    let deleted = held_endpoint(&db).await;
    db.database.endpoints.delete(endpoint_of(deleted)).await.unwrap();
    for endpoint_id in [endpoint_of(deleted), EndpointId::from(fresh_uuid())] {
        let query = ReplayQuery { endpoint_id, event_types: EventType::ALL.to_vec(), since: at(0), after: 0, limit: 9 };
        assert_eq!(replayable(&db, query).await, [0; 0]);
    }
}

fn repeat_of(event: &StoredEvent) -> NewDelivery {
    crate::delivering::delivery_of(event)
}

async fn repeats_are_queued_all_or_none(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let (first, second) = (first_event(&db).await, first_event(&db).await);
    queue(&db, lease, &[&first], 0).await;
    let place = db.database.receivers.arrivals(lease.receiver, 10).await.unwrap();
    let repeats = vec![repeat_of(&first), repeat_of(&second)];
    db.database.deliveries.enqueue_repeats(endpoint, repeats.clone(), Repeat::Replay, at(5), None).await.unwrap();
    assert_eq!(db.database.receivers.arrivals(lease.receiver, 10).await.unwrap(), place, "the place did not move");
    let queued = all(&db, endpoint).await;
    assert_eq!(queued.iter().map(|delivery| delivery.id).collect::<Vec<_>>()[..2], [repeats[1].id, repeats[0].id]);
    for repeat in &queued[..2] {
        assert_eq!((repeat.repeat, repeat.created_at), (Some(Repeat::Replay), at(5)));
        assert_eq!(repeat.status, DeliveryStatus::Pending { next_try_at: Some(at(5)) });
    }
    assert_eq!(due_events(&db, lease, 4).await, [first.id]);
    assert_eq!(due_events(&db, lease, 5).await, [first.id, first.id, second.id]);
    // An id that is there already: none of them is queued.
    let again = vec![repeat_of(&second), repeats[0]];
    assert!(db.database.deliveries.enqueue_repeats(endpoint, again, Repeat::Replay, at(6), None).await.is_err());
    assert_eq!(all(&db, endpoint).await, queued);
    db.database.deliveries.enqueue_repeats(endpoint, Vec::new(), Repeat::Replay, at(6), None).await.unwrap();
    assert_eq!(all(&db, endpoint).await, queued);
}

async fn an_endpoint_that_is_gone_gets_no_repeats(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let event = first_event(&db).await;
    db.database.endpoints.delete(endpoint_of(lease)).await.unwrap();
    for endpoint in [endpoint_of(lease), new_endpoint(0).endpoint.id] {
        let repeats = vec![repeat_of(&event)];
        db.database.deliveries.enqueue_repeats(endpoint, repeats, Repeat::Replay, at(0), None).await.unwrap();
        let due = db.database.deliveries.due(endpoint, at(0), 10).await.unwrap();
        assert_eq!(due, DueDeliveries::default());
    }
    assert_eq!(db.number("SELECT count(*) AS number FROM deliveries"), 0);
}

async fn all_deliveries_of_a_customer_are_found_however_many_there_are(db: Fixture) {
    const MANY: usize = 33_000;
    let lease = held_endpoint(&db).await;
    let event = first_event(&db).await;
    queue(&db, lease, &[&event], 1).await;
    try_due(&db, lease, 2, retry(99)).await;
    let id = if db.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
    db.execute(&format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY}) \
         INSERT INTO deliveries (id, endpoint_id, event_id, customer_id, position, tries, accepted_at, created_at) \
         SELECT {id}, endpoint_id, event_id, customer_id, position + n, 0, created_at, created_at FROM deliveries, numbers"
    ));
    let found = db.database.deliveries.of_customer(event.customer_id).await.unwrap();
    assert_eq!(found.len(), MANY);
    assert_eq!(found.iter().map(|delivery| delivery.tries.len()).sum::<usize>(), 1);
    let stranger = first_event(&db).await;
    assert_eq!(db.database.deliveries.of_customer(stranger.customer_id).await.unwrap(), []);
}
