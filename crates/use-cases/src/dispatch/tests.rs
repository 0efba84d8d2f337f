//! The workers on mocked ports. What they do to real receivers stands in the black box tests of `app`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use domain::{AfterTry, Disabled, DisabledReason, Repeat, TimeDelta, Timestamp};
use ports::{DueDeliveries, DueDelivery, LeaseError, MockEventBroker, StoreError, StoredEvent};

use super::*;
use crate::dispatch::endpoint_worker::{AT_ONCE, Sent};
use crate::testing::{World, due_delivery, reply, stored_endpoint, stored_event};

fn lease(receiver: ReceiverId, lasts: Duration) -> (HeldLease, watch::Sender<Instant>) {
    let (sender, until) = watch::channel(Instant::now() + lasts);
    (HeldLease { lease: Lease { receiver, holder: LeaseHolder(uuid::Uuid::nil()) }, until }, sender)
}

/// A worker of the endpoint, with what keeps it going.
struct Running {
    worker: EndpointWorker,
    _until: watch::Sender<Instant>,
    _settings: watch::Sender<Arc<StoredEndpoint>>,
    stop: watch::Sender<bool>,
}

fn running(mut world: World, endpoint: StoredEndpoint, lasts: Duration) -> Running {
    world.with_seals();
    let (lease, until) = lease(endpoint.endpoint.id.into(), lasts);
    let (settings, current) = watch::channel(Arc::new(endpoint));
    let (stop, stopped) = watch::channel(false);
    let worker = EndpointWorker::new(Arc::new(world.service()), lease, current, Stop::new(stopped));
    Running { worker, _until: until, _settings: settings, stop }
}

/// A world in which nothing is new and these are due until they are recorded.
fn world_with_due(count: u128) -> (World, Arc<Mutex<BTreeSet<u128>>>) {
    let mut world = World::new();
    world.receivers.expect_arrivals().returning(|_, _| Ok(Vec::new()));
    let waiting = Arc::new(Mutex::new((1..=count).collect::<BTreeSet<u128>>()));
    let due = waiting.clone();
    world.deliveries.expect_due().returning(move |_, _, limit| {
        let waiting = due.lock().unwrap();
        let deliveries = waiting.iter().take(limit as usize).map(|number| due_delivery(*number)).collect();
        Ok(DueDeliveries { deliveries, next_at: None })
    });
    (world, waiting)
}

#[tokio::test(start_paused = true)]
async fn each_due_delivery_is_sent_once_and_recorded() {
    let (mut world, waiting) = world_with_due(200);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let sending = sent.clone();
    world.webhooks.expect_send().returning(move |message| {
        sending.lock().unwrap().push(message.event.id);
        reply(Some(200))
    });
    let done = waiting.clone();
    world.deliveries.expect_record().returning(move |_, tries, _| {
        let mut waiting = done.lock().unwrap();
        for tried in &tries {
            assert_eq!((tried.then, tried.number), (AfterTry::Accepted, 1));
            assert!(waiting.remove(&tried.delivery.uuid().as_u128()), "recorded once");
        }
        Ok(())
    });
    let Running { worker, stop, .. } = running(world, stored_endpoint(), LEASE_TIME);
    let task = tokio::spawn(worker.run());
    while !waiting.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    task.await.unwrap();
    let sent = sent.lock().unwrap();
    assert_eq!((sent.len(), sent.iter().collect::<BTreeSet<_>>().len()), (200, 200));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_lease_may_be_over() {
    let (world, _) = world_with_due(5);
    let mut running = running(world, stored_endpoint(), Duration::from_secs(30));
    tokio::time::advance(Duration::from_secs(31)).await;
    running.worker.step().await.unwrap();
    assert_eq!(running.worker.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_lease_somebody_else_has_ends() {
    let mut world = World::new();
    world.receivers.expect_arrivals().returning(|_, _| Ok(vec![stored_event(1, 7)]));
    world.deliveries.expect_enqueue().once().returning(|_, deliveries, position, _| {
        assert_eq!((deliveries.len(), position), (1, 7));
        Err(LeaseError::Lost)
    });
    let running = running(world, stored_endpoint(), LEASE_TIME);
    running.worker.run().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_waited_for() {
    let mut world = World::new();
    let mut failures = 0;
    world.receivers.expect_arrivals().times(4).returning(move |_, _| {
        failures += 1;
        if failures < 4 { Err(StoreError::Unavailable("down".into())) } else { Ok(vec![stored_event(1, 7)]) }
    });
    world.deliveries.expect_enqueue().once().returning(|_, _, _, _| Err(LeaseError::Lost));
    let started = Instant::now();
    running(world, stored_endpoint(), LEASE_TIME).worker.run().await;
    assert_eq!(started.elapsed(), waiting::STORE_PAUSE * 3);
}

#[tokio::test(start_paused = true)]
async fn events_that_the_endpoint_does_not_take_are_passed() {
    let mut world = World::new();
    let other = |position| StoredEvent { event_type: "customer.updated".to_owned(), ..stored_event(1, position) };
    world.receivers.expect_arrivals().returning(move |_, _| Ok(vec![stored_event(1, 7), other(8)]));
    world.deliveries.expect_enqueue().once().returning(|_, deliveries, position, _| {
        let positions: Vec<i64> = deliveries.iter().map(|one| one.position).collect();
        assert_eq!((positions, position), (vec![7], 8));
        Err(LeaseError::Lost)
    });
    running(world, stored_endpoint(), LEASE_TIME).worker.run().await;
}

/// What happens to a delivery of which the next try gets this status.
fn after(due: DueDelivery, status_code: Option<u16>) -> AfterTry {
    let running = running(World::new(), stored_endpoint(), LEASE_TIME);
    running.worker.judged(&Sent { due, reply: reply(status_code) }, World::NOW).then
}

#[tokio::test]
async fn the_status_decides() {
    for accepted in [200, 201, 204, 299] {
        assert_eq!(after(due_delivery(1), Some(accepted)), AfterTry::Accepted, "{accepted}");
    }
    for refused in [None, Some(199), Some(301), Some(400), Some(404), Some(429), Some(500), Some(503)] {
        assert!(matches!(after(due_delivery(1), refused), AfterTry::Retry { at } if at > World::NOW), "{refused:?}");
    }
    assert_eq!(after(due_delivery(1), Some(410)), AfterTry::Retry { at: World::NOW }, "it waits to be enabled");
    let last = DueDelivery { tries: 9, ..due_delivery(1) };
    assert_eq!(after(last, Some(500)), AfterTry::GiveUp);
}

#[tokio::test]
async fn a_token_of_no_use_is_not_tried_again() {
    let carrying = |made: Timestamp, is_superseded, wrong_tries| {
        let mut due = DueDelivery { is_superseded, wrong_tries, ..due_delivery(1) };
        due.event.token_generated_at = Some(made);
        after(due, Some(500))
    };
    let life = TimeDelta::seconds(330);
    assert!(matches!(carrying(World::NOW, false, 4), AfterTry::Retry { .. }));
    assert_eq!(carrying(World::NOW, true, 0), AfterTry::GiveUp, "superseded");
    assert_eq!(carrying(World::NOW, false, 5), AfterTry::GiveUp, "no tries left");
    assert!(matches!(carrying(World::NOW - life, false, 0), AfterTry::Retry { .. }));
    assert_eq!(carrying(World::NOW - life - TimeDelta::milliseconds(1), false, 0), AfterTry::GiveUp, "dead");
    let repeated = DueDelivery { repeat: Some(Repeat::Replay), ..due_delivery(1) };
    assert!(matches!(after(repeated, Some(500)), AfterTry::Retry { .. }), "an event without a token");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_answers_gone_or_fails_for_long_is_disabled() {
    let failing = {
        let mut stored = stored_endpoint();
        stored.endpoint.failing_since = Some(World::NOW - TimeDelta::days(5));
        stored
    };
    for (endpoint, status, reason) in
        [(stored_endpoint(), 410, DisabledReason::Gone), (failing.clone(), 500, DisabledReason::Failing)]
    {
        let (mut world, _) = world_with_due(1);
        world.webhooks.expect_send().returning(move |_| reply(Some(status)));
        world.deliveries.expect_record().returning(|_, _, _| Ok(()));
        world.endpoints.expect_update().once().returning(move |_, edits, _, _| {
            assert_eq!(edits.disabled, domain::Member::Value(Disabled { at: World::NOW, reason }));
            Err(StoreError::Unavailable("the test has seen enough".into()).into())
        });
        let mut running = running(world, endpoint, LEASE_TIME);
        running.worker.step().await.unwrap();
        running.worker.wait().await;
        assert!(running.worker.step().await.is_err());
    }
    let (mut world, _) = world_with_due(1);
    world.webhooks.expect_send().returning(|_| reply(Some(200)));
    world.deliveries.expect_record().once().returning(|_, _, _| Err(LeaseError::Lost));
    let mut running = running(world, failing, LEASE_TIME);
    running.worker.step().await.unwrap();
    running.worker.wait().await;
    assert_eq!(running.worker.step().await, Err(LeaseError::Lost), "one that accepts is not disabled");
}

/// The endpoint may be enabled again meanwhile: what it answered before is no reason to disable it once more.
#[tokio::test(start_paused = true)]
async fn what_was_under_way_when_an_endpoint_was_disabled_does_not_disable_it_again() {
    let (mut world, _) = world_with_due(5);
    world.webhooks.expect_send().times(5).returning(|_| reply(Some(410)));
    let recorded = Arc::new(Mutex::new(0));
    let recording = recorded.clone();
    world.deliveries.expect_record().returning(move |_, tries, _| {
        *recording.lock().unwrap() += tries.len();
        Ok(())
    });
    world.endpoints.expect_update().once().returning(|_, _, _, _| Ok(None));
    running(world, stored_endpoint(), LEASE_TIME).worker.run().await;
    assert_eq!(*recorded.lock().unwrap(), 5, "each is recorded, and none is sent again");
}

#[tokio::test(start_paused = true)]
async fn so_many_are_under_way_at_once_and_no_more() {
    let (mut world, _) = world_with_due(1_000);
    world.webhooks.expect_send().returning(|_| reply(Some(200)));
    let mut running = running(world, stored_endpoint(), LEASE_TIME);
    running.worker.step().await.unwrap();
    assert_eq!(running.worker.under_way(), AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_unsigned() {
    let (mut world, _) = world_with_due(5);
    world.secrets.expect_unseal().returning(|_, _, _| None);
    let mut running = running(world, stored_endpoint(), LEASE_TIME);
    running.worker.step().await.unwrap();
    assert_eq!(running.worker.under_way(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_customer_has_two_events_under_way_to_the_broker() {
    let mut world = World::new();
    // Of customers 1, 2 and 3.
    let customers = [1, 2, 1, 1, 3, 2];
    let events: Vec<_> =
        customers.iter().zip(1..).map(|(customer, position)| stored_event(*customer, position)).collect();
    world.receivers.expect_arrivals().once().return_once(move |_, _| Ok(events));
    world.receivers.expect_arrivals().returning(|_, _| Ok(Vec::new()));
    world.receivers.expect_advance().once().returning(|_, position, accepted, _| {
        assert_eq!((position, accepted.len()), (6, 6));
        Err(LeaseError::Lost)
    });
    let waves = Arc::new(Mutex::new(Vec::new()));
    let seen = waves.clone();
    let mut broker = MockEventBroker::new();
    broker.expect_publish().returning(move |wave| {
        let customers: Vec<u128> = wave.iter().map(|event| event.customer_id.unwrap().uuid().as_u128()).collect();
        seen.lock().unwrap().push(customers);
        vec![Ok(()); wave.len()]
    });
    publish(world, broker).await;
    assert_eq!(*waves.lock().unwrap(), [vec![1, 2], vec![1], vec![1, 3, 2]]);
}

#[tokio::test(start_paused = true)]
async fn what_the_broker_refused_is_published_before_what_follows() {
    let mut world = World::new();
    let place = Arc::new(Mutex::new(0_i64));
    let (reading, moving) = (place.clone(), place.clone());
    world.receivers.expect_arrivals().returning(move |_, _| {
        let place = *reading.lock().unwrap();
        Ok((1..=3).filter(|position| *position > place).map(|position| stored_event(1, position)).collect())
    });
    world.receivers.expect_advance().returning(move |_, position, _, _| {
        *moving.lock().unwrap() = position;
        if position == 3 { Err(LeaseError::Lost) } else { Ok(()) }
    });
    let published = Arc::new(Mutex::new(Vec::new()));
    let seen = published.clone();
    let mut broker = MockEventBroker::new();
    broker.expect_publish().returning(move |wave| {
        let mut seen = seen.lock().unwrap();
        seen.push(wave[0].id);
        // The second one is refused at first.
        if seen.len() == 2 { vec![Err("not now".to_owned())] } else { vec![Ok(()); wave.len()] }
    });
    publish(world, broker).await;
    let ids = [1, 2, 2, 3].map(|position| stored_event(1, position).id);
    assert_eq!(*published.lock().unwrap(), ids);
}

/// Runs the broker's worker until it has lost its lease.
async fn publish(world: World, broker: MockEventBroker) {
    let (lease, _until) = lease(ReceiverId::BROKER, LEASE_TIME);
    let (_stop, stopped) = watch::channel(false);
    BrokerWorker::new(Arc::new(world.service()), Arc::new(broker), lease, Stop::new(stopped)).run().await;
}

#[tokio::test(start_paused = true)]
async fn only_enabled_endpoints_of_which_the_lease_is_held_are_worked_for() {
    let endpoint = |number: u128, is_disabled: bool| {
        let mut stored = stored_endpoint();
        stored.endpoint.id = domain::EndpointId::from(uuid::Uuid::from_u128(number));
        stored.endpoint.disabled =
            is_disabled.then_some(Disabled { at: World::NOW, reason: DisabledReason::Requested });
        stored
    };
    let mut world = World::new();
    world.with_seals();
    world
        .endpoints
        .expect_list()
        .returning(move || Ok(vec![endpoint(10, false), endpoint(11, true), endpoint(12, false)]));
    world.receivers.expect_register().once().returning(|receiver| {
        assert_eq!(receiver, ReceiverId::LOG);
        Ok(())
    });
    // Somebody else holds the lease of the log and that of the twelfth.
    let ours = ReceiverId(uuid::Uuid::from_u128(10));
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let asking = asked.clone();
    world.receivers.expect_take_leases().returning(move |_, receivers| {
        asking.lock().unwrap().extend(receivers.iter().copied());
        Ok(receivers.into_iter().filter(|receiver| *receiver == ours).collect())
    });
    let worked_for = Arc::new(Mutex::new(BTreeSet::new()));
    let working = worked_for.clone();
    world.receivers.expect_arrivals().returning(move |receiver, _| {
        working.lock().unwrap().insert(receiver);
        Ok(Vec::new())
    });
    world.deliveries.expect_due().returning(|_, _, _| Ok(DueDeliveries::default()));
    world.receivers.expect_release_leases().once().returning(|_| Ok(()));
    let (stop, stopped) = watch::channel(false);
    let dispatching = tokio::spawn(Arc::new(world.service()).dispatch_events(stopped));
    tokio::time::sleep(Duration::from_mins(1)).await;
    stop.send(true).unwrap();
    dispatching.await.unwrap();
    let number = |number| ReceiverId(uuid::Uuid::from_u128(number));
    assert_eq!(*asked.lock().unwrap(), BTreeSet::from([ReceiverId::LOG, number(10), number(12)]));
    assert_eq!(*worked_for.lock().unwrap(), BTreeSet::from([number(10)]));
}
