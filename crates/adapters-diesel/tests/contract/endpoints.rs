//! Webhook endpoints.

use domain::{Disabled, DisabledReason, EndpointId, EventType, Member};
use ports::{DeliveryQuery, EndpointEdits, LeaseError, PreviousSecret, Sealed, StoredEndpoint};

use crate::delivering::{
    all, delivery_of, due, due_events, endpoint_of, event, failing_since, first_event, held_endpoint, holder,
    new_endpoint, one_due, queue, record, retry, tried, try_due,
};
use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_uuid, new_customer, regenerated};

crate::on_both_databases!(
    an_endpoint_is_found_as_it_was_stored,
    endpoints_are_listed_in_the_order_of_their_making,
    an_id_is_stored_once,
    a_new_endpoint_gets_what_is_committed_from_now_on,
    an_edit_changes_what_it_says_and_nothing_else,
    an_endpoint_that_is_not_there_is_not_changed,
    an_endpoint_that_is_enabled_again_forgets_that_it_failed_and_tries_at_once,
    other_edits_hasten_nothing,
    an_endpoint_that_is_deleted_is_found_no_more,
    the_deliveries_of_a_deleted_endpoint_are_found_no_more,
    who_works_for_an_endpoint_that_is_deleted_has_lost_his_lease,
);

/// An endpoint that has everything.
fn full_endpoint(seconds: i64) -> StoredEndpoint {
    let mut stored = new_endpoint(seconds);
    stored.endpoint.description = Some("Büro 'x' \"y\" \\ 李".to_owned());
    stored.endpoint.disabled = Some(Disabled { at: at(1), reason: DisabledReason::Gone });
    stored.endpoint.failing_since = Some(at(2));
    stored.endpoint.updated_at = at(3);
    stored.previous_secret = Some(PreviousSecret { secret: Sealed(vec![9; 60]), until: at(86_400) });
    stored
}

async fn find(db: &Fixture, id: EndpointId) -> Option<StoredEndpoint> {
    db.database.endpoints.find(id).await.unwrap()
}

async fn insert(db: &Fixture, stored: &StoredEndpoint) -> EndpointId {
    db.database.endpoints.insert(stored.clone(), None).await.unwrap();
    stored.endpoint.id
}

async fn an_endpoint_is_found_as_it_was_stored(db: Fixture) {
    let mut without_types = new_endpoint(0);
    without_types.endpoint.event_types = Vec::new();
    let mut stored = vec![new_endpoint(0), full_endpoint(0), without_types];
    for reason in DisabledReason::ALL {
        let mut disabled = new_endpoint(0);
        disabled.endpoint.disabled = Some(Disabled { at: at(5), reason });
        stored.push(disabled);
    }
    for stored in stored {
        let id = insert(&db, &stored).await;
        assert_eq!(find(&db, id).await, Some(stored));
    }
    assert_eq!(find(&db, EndpointId::from(fresh_uuid())).await, None);
}

async fn endpoints_are_listed_in_the_order_of_their_making(db: Fixture) {
    assert_eq!(db.database.endpoints.list().await.unwrap(), []);
    // Within one millisecond the order is that of the ids.
    let [first, second] = [new_endpoint(1), full_endpoint(1)];
    let (last, earliest) = (new_endpoint(2), full_endpoint(0));
    for stored in [&last, &second, &first, &earliest] {
        insert(&db, stored).await;
    }
    assert_eq!(db.database.endpoints.list().await.unwrap(), [earliest, first, second, last]);
}

async fn an_id_is_stored_once(db: Fixture) {
    let first = new_endpoint(0);
    let id = insert(&db, &first).await;
    let mut second = full_endpoint(1);
    second.endpoint.id = id;
    assert!(db.database.endpoints.insert(second, None).await.is_err());
    assert_eq!(db.database.endpoints.list().await.unwrap(), [first]);
}

async fn a_new_endpoint_gets_what_is_committed_from_now_on(db: Fixture) {
    // Without a number yet.
    db.save(&creation(new_customer())).await;
    let id = insert(&db, &new_endpoint(0)).await;
    let event = first_event(&db).await;
    assert_eq!(db.database.receivers.arrivals(id.into(), 10).await.unwrap(), [event]);
    assert_eq!(db.database.receivers.take_leases(holder(), vec![id.into()]).await.unwrap(), [id.into()]);
}

async fn an_edit_changes_what_it_says_and_nothing_else(db: Fixture) {
    type Edit = (EndpointEdits, fn(&mut StoredEndpoint));
    let disabled = Disabled { at: at(60), reason: DisabledReason::Requested };
    let edits: [Edit; 10] = [
        (EndpointEdits { url: Some("http://other.example".to_owned()), ..EndpointEdits::default() }, |stored| {
            "http://other.example".clone_into(&mut stored.endpoint.url);
        }),
        (EndpointEdits { event_types: Some(Vec::new()), ..EndpointEdits::default() }, |stored| {
            stored.endpoint.event_types = Vec::new();
        }),
        (EndpointEdits { event_types: Some(EventType::ALL.to_vec()), ..EndpointEdits::default() }, |stored| {
            stored.endpoint.event_types = EventType::ALL.to_vec();
        }),
        (EndpointEdits { description: Member::Value("new".to_owned()), ..EndpointEdits::default() }, |stored| {
            stored.endpoint.description = Some("new".to_owned());
        }),
        (EndpointEdits { description: Member::Null, ..EndpointEdits::default() }, |stored| {
            stored.endpoint.description = None;
        }),
        (EndpointEdits { disabled: Member::Value(disabled), ..EndpointEdits::default() }, |stored| {
            stored.endpoint.disabled = Some(Disabled { at: at(60), reason: DisabledReason::Requested });
        }),
        (EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() }, |stored| {
            stored.endpoint.disabled = None;
            stored.endpoint.failing_since = None;
        }),
        (
            EndpointEdits {
                secrets: Some((
                    Sealed(vec![1, 0, 2]),
                    Some(PreviousSecret { secret: Sealed(vec![0, 1, 255]), until: at(70) }),
                )),
                ..EndpointEdits::default()
            },
            |stored| {
                stored.secret = Sealed(vec![1, 0, 2]);
                stored.previous_secret = Some(PreviousSecret { secret: Sealed(vec![0, 1, 255]), until: at(70) });
            },
        ),
        (EndpointEdits { secrets: Some((Sealed(vec![3]), None)), ..EndpointEdits::default() }, |stored| {
            stored.secret = Sealed(vec![3]);
            stored.previous_secret = None;
        }),
        (
            EndpointEdits {
                url: Some("http://all.example".to_owned()),
                event_types: Some(Vec::new()),
                description: Member::Value("all".to_owned()),
                disabled: Member::Null,
                secrets: Some((Sealed(vec![4]), None)),
            },
            |stored| {
                "http://all.example".clone_into(&mut stored.endpoint.url);
                stored.endpoint.event_types = Vec::new();
                stored.endpoint.description = Some("all".to_owned());
                stored.endpoint.disabled = None;
                stored.endpoint.failing_since = None;
                stored.secret = Sealed(vec![4]);
                stored.previous_secret = None;
            },
        ),
    ];
    let bystander = full_endpoint(0);
    insert(&db, &bystander).await;
    for (edits, expect) in edits {
        for mut stored in [new_endpoint(0), full_endpoint(0)] {
            let id = insert(&db, &stored).await;
            let updated = db.database.endpoints.update(id, edits.clone(), at(50), None).await.unwrap();
            expect(&mut stored);
            stored.endpoint.updated_at = at(50);
            assert_eq!(updated.as_ref(), Some(&stored), "{edits:?}");
            assert_eq!(find(&db, id).await, updated);
        }
    }
    assert_eq!(find(&db, bystander.endpoint.id).await, Some(bystander));
}

async fn an_endpoint_that_is_not_there_is_not_changed(db: Fixture) {
    let edits = EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() };
    let nobody = EndpointId::from(fresh_uuid());
    assert_eq!(db.database.endpoints.update(nobody, edits, at(1), None).await.unwrap(), None);
    assert!(!db.database.endpoints.delete(nobody).await.unwrap());
    assert_eq!(db.database.endpoints.list().await.unwrap(), []);
}

async fn an_endpoint_that_is_enabled_again_forgets_that_it_failed_and_tries_at_once(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let (change, repeated) = (creation(new_customer()), first_event(&db).await);
    let first = event(&db, &change).await;
    let second = event(&db, &regenerated(change.customer(), 1, 1)).await;
    for lease in [lease, other] {
        let endpoint = endpoint_of(lease);
        // One that was accepted, and is asked for again.
        queue(&db, lease, &[&repeated], 0).await;
        let accepted = try_due(&db, lease, 0, domain::AfterTry::Accepted).await;
        let repeat = domain::DeliveryId::from(fresh_uuid());
        assert!(db.database.deliveries.redeliver(endpoint, accepted.id, repeat, at(2), None).await.unwrap());
        queue(&db, lease, &[&first, &second], 2).await;
        let tries = due(&db, lease, 2).await.deliveries;
        assert_eq!(tries.len(), 2);
        record(&db, lease, tries.iter().map(|due| tried(due, 3, retry(5_000))).collect(), 3).await;
        assert_eq!(failing_since(&db, endpoint).await, Some(at(3)));
        assert_eq!(due(&db, lease, 4_999).await.deliveries, []);
    }
    let endpoint = endpoint_of(lease);
    let disabled = Member::Value(Disabled { at: at(5), reason: DisabledReason::Failing });
    let edits = EndpointEdits { disabled, ..EndpointEdits::default() };
    let stored = db.database.endpoints.update(endpoint, edits, at(5), None).await.unwrap().unwrap();
    assert_eq!(stored.endpoint.failing_since, Some(at(3)), "only when it is enabled");
    assert_eq!(due(&db, lease, 4_999).await.deliveries, []);

    let edits = EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() };
    let stored = db.database.endpoints.update(endpoint, edits, at(6), None).await.unwrap().unwrap();
    assert_eq!((stored.endpoint.disabled, stored.endpoint.failing_since), (None, None));
    let mut due_now = due_events(&db, lease, 6).await;
    due_now.sort_by_key(|id| *id != repeated.id);
    assert_eq!(due_now, [repeated.id, first.id], "the second still waits for the first");
    assert_eq!(due(&db, other, 4_999).await.deliveries, [], "another endpoint's wait as before");
    assert_eq!(failing_since(&db, endpoint_of(other)).await, Some(at(3)));
}

/// Whoever records tries locks the receiver first and the endpoint last. Who enables it takes them in the same order.
#[tokio::test]
async fn who_enables_an_endpoint_and_who_records_its_tries_do_not_wait_for_each_other() {
    let db = Fixture::postgresql().await;
    let lease = held_endpoint(&db).await;
    let delivery = queue(&db, lease, &[&first_event(&db).await], 0).await[0];
    try_due(&db, lease, 1, retry(5_000)).await;
    let [receiver, delivery] = [lease.receiver.0, delivery.uuid()].map(|id| db.literal(id));
    let mut other = db.raw();
    other.batch_execute(&format!("BEGIN; SELECT id FROM receivers WHERE id = {receiver} FOR UPDATE")).unwrap();
    let update = tokio::spawn({
        let endpoints = db.database.endpoints.clone();
        let edits = EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() };
        async move { endpoints.update(endpoint_of(lease), edits, at(2), None).await }
    });
    db.until_somebody_waits("Lock").await;
    other
        .batch_execute(&format!(
            "SELECT id FROM deliveries WHERE id = {delivery} FOR UPDATE NOWAIT; \
             SELECT id FROM webhook_endpoints WHERE id = {receiver} FOR UPDATE NOWAIT; COMMIT"
        ))
        .unwrap();
    assert_eq!(update.await.unwrap().unwrap().unwrap().endpoint.failing_since, None);
    assert_eq!(one_due(&db, lease, 2).await.tries, 1);
}

async fn other_edits_hasten_nothing(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let event = first_event(&db).await;
    queue(&db, lease, &[&event], 0).await;
    try_due(&db, lease, 1, retry(5_000)).await;
    let edits = EndpointEdits {
        url: Some("http://other.example".to_owned()),
        description: Member::Null,
        secrets: Some((Sealed(vec![3]), None)),
        ..EndpointEdits::default()
    };
    let stored = db.database.endpoints.update(endpoint_of(lease), edits, at(6), None).await.unwrap().unwrap();
    assert_eq!(stored.endpoint.failing_since, Some(at(1)));
    let due = due(&db, lease, 4_999).await;
    assert_eq!((due.deliveries, due.next_at), (Vec::new(), Some(at(5_000))));
}

async fn an_endpoint_that_is_deleted_is_found_no_more(db: Fixture) {
    let (stays, goes) = (full_endpoint(0), full_endpoint(0));
    insert(&db, &stays).await;
    let id = insert(&db, &goes).await;
    assert!(db.database.endpoints.delete(id).await.unwrap());
    assert_eq!(find(&db, id).await, None);
    assert_eq!(db.database.endpoints.list().await.unwrap(), [stays]);
    let edits = EndpointEdits { disabled: Member::Null, ..EndpointEdits::default() };
    assert_eq!(db.database.endpoints.update(id, edits, at(1), None).await.unwrap(), None);
    assert!(!db.database.endpoints.delete(id).await.unwrap());
    // Nothing arrives for it, and nobody works for it.
    first_event(&db).await;
    assert_eq!(db.database.receivers.arrivals(id.into(), 10).await.unwrap(), []);
    assert_eq!(db.database.receivers.take_leases(holder(), vec![id.into()]).await.unwrap(), []);
}

async fn the_deliveries_of_a_deleted_endpoint_are_found_no_more(db: Fixture) {
    let (lease, other) = (held_endpoint(&db).await, held_endpoint(&db).await);
    let event = first_event(&db).await;
    let delivery = queue(&db, lease, &[&event], 0).await[0];
    queue(&db, other, &[&event], 0).await;
    let id = endpoint_of(lease);
    assert!(db.database.endpoints.delete(id).await.unwrap());
    assert_eq!(all(&db, id).await, []);
    let query = DeliveryQuery { endpoint_id: id, status: None, after: Some(delivery), limit: 1 };
    assert_eq!(db.database.deliveries.list(query).await.unwrap(), None);
    assert_eq!(due(&db, lease, 1).await, ports::DueDeliveries::default());
    let repeat = fresh_uuid().into();
    assert!(!db.database.deliveries.redeliver(id, delivery, repeat, at(1), None).await.unwrap());
    assert_eq!(all(&db, endpoint_of(other)).await.len(), 1);
    assert_eq!(due_events(&db, other, 1).await, [event.id]);
}

async fn who_works_for_an_endpoint_that_is_deleted_has_lost_his_lease(db: Fixture) {
    let lease = held_endpoint(&db).await;
    let (first, second) = (first_event(&db).await, first_event(&db).await);
    queue(&db, lease, &[&first], 0).await;
    let due = one_due(&db, lease, 0).await;
    assert!(db.database.endpoints.delete(endpoint_of(lease)).await.unwrap());
    let recorded = db.database.deliveries.record(lease, vec![tried(&due, 1, retry(2))], at(1)).await;
    assert_eq!(recorded, Err(LeaseError::Lost));
    let queued = db.database.deliveries.enqueue(lease, vec![delivery_of(&second)], second.position, at(1)).await;
    assert_eq!(queued, Err(LeaseError::Lost));
}
