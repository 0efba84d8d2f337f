//! A customer who is erased: nothing is left but that he was.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    AfterTry, Customer, CustomerId, DeliveryId, DeliveryStatus, EventType, LinkPurpose, NewCustomer, NumberMemory,
    Repeat,
};
use ports::{
    Beside, DetachedCard, Detachment, Digest, EventQuery, IdempotencyRecord, KeyedHash, NewDelivery, RecordedTry,
    ReplayQuery, SaveError, StoredEvent,
};

use crate::cards::cards;
use crate::delivering::{
    all, delivery_of, due, endpoint_of, event, first_event, held_endpoint, one_due, queue, record, retry, tried,
};
use crate::fixture::Fixture;
use crate::making::{at, changed, creation, fresh_uuid, moment, new_customer, renamed};
use crate::person::Person;

crate::on_both_databases!(
    of_who_is_erased_nothing_is_left_in_any_table,
    his_events_keep_what_they_are_and_when_they_were,
    his_deliveries_end_or_say_only_when_they_were_tried,
    his_numbers_are_free_and_his_id_is_used,
    his_card_is_queued_to_be_removed_at_its_provider,
    what_he_began_at_his_provider_is_ended_there,
    the_setup_that_brought_his_card_is_left_as_it_is,
    his_requests_are_answered_no_more,
    a_change_that_came_first_is_a_conflict_and_nothing_is_gone,
    what_is_remembered_of_a_number_outlives_him_under_any_of_its_hashes,
    what_is_remembered_of_a_number_goes_to_who_takes_it_if_it_is_what_he_expects,
    what_was_read_before_is_queued_no_more,
    a_try_that_was_under_way_leaves_nothing,
    who_is_gone_gets_no_links_and_is_known_to_no_provider,
    the_event_of_it_is_delivered_like_any_other,
    whatever_happens_at_the_same_time_nothing_is_left,
    two_who_erase_him_at_once_erase_him_once,
);

async fn person(db: &Fixture) -> (Person, ports::Lease) {
    let lease = held_endpoint(db).await;
    let mut person = Person::new();
    person.settle_in_full(db, lease).await;
    (person, lease)
}

type Rows = [(String, String)];

/// The tables that say something of him.
fn tables_with(db: &Fixture, person: &Person) -> BTreeSet<String> {
    tables_of(&db.rows(), person)
}

fn tables_of(rows: &Rows, person: &Person) -> BTreeSet<String> {
    let traces: Vec<String> = person.traces().into_iter().map(|trace| trace.text).collect();
    tables_that_hold(rows, &traces)
}

/// The tables that hold his id.
fn tables_with_id(rows: &Rows, id: CustomerId) -> BTreeSet<String> {
    tables_that_hold(rows, &[id.uuid().to_string(), id.uuid().simple().to_string()])
}

fn tables_that_hold(rows: &Rows, texts: &[String]) -> BTreeSet<String> {
    let told = rows.iter().filter(|(_, row)| texts.iter().any(|text| row.contains(text)));
    told.map(|(table, _)| table.clone()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn events_of(db: &Fixture, id: CustomerId) -> Vec<StoredEvent> {
    let query = EventQuery { after: None, customer_id: Some(id), limit: 100 };
    db.database.events.page(query).await.unwrap().unwrap().events
}

async fn of_who_is_erased_nothing_is_left_in_any_table(db: Fixture) {
    let (person, lease) = person(&db).await;
    let mut other = Person::new();
    other.settle_in_full(&db, lease).await;
    let everywhere = set(&[
        "addresses",
        "cards",
        "customers",
        "delivery_tries",
        "events",
        "idempotency_records",
        "links",
        "phone_number_claims",
        "provider_customers",
    ]);
    assert_eq!(tables_with(&db, &person), everywhere, "the search finds what is there");
    person.erase(&db, 10).await;
    assert_eq!(tables_with(&db, &person), set(&["card_detachments"]), "which forgets it when the provider has");
    for taken in db.database.detachments.take_due_detachments("test", at(10), at(99), 9).await.unwrap() {
        db.database.detachments.settle_detachment(taken.id).await.unwrap();
    }
    assert_eq!(tables_with(&db, &person), BTreeSet::new());
    let known = set(&["deliveries", "erased_customers", "events", "idempotency_records"]);
    assert_eq!(tables_with_id(&db.rows(), person.id()), known);
    // Nothing of anybody else.
    assert_eq!(tables_with(&db, &other), everywhere);
    assert_eq!(db.find(other.id()).await.as_ref(), Some(&other.customer));
    assert_eq!(db.find(person.id()).await, None);
    assert_eq!(db.database.customers.find_card(person.id()).await.unwrap(), None);
    assert_eq!(db.database.customers.find_addresses(person.id()).await.unwrap(), domain::Addresses::default());
    assert_eq!(db.database.links.all(person.id()).await.unwrap(), []);
}

async fn his_events_keep_what_they_are_and_when_they_were(db: Fixture) {
    let (person, _) = person(&db).await;
    let before = events_of(&db, person.id()).await;
    let (change, beside) = person.erasure(10);
    db.database.customers.save(&change, beside).await.unwrap();
    let after = events_of(&db, person.id()).await;
    let (last, earlier) = after.split_last().unwrap();
    assert_eq!(earlier.len(), before.len());
    for (index, (before, after)) in before.iter().zip(earlier).enumerate() {
        assert!(!before.is_erased && after.is_erased);
        assert_eq!((after.id, after.customer_id, after.position), (before.id, before.customer_id, before.position));
        assert_eq!((&after.event_type, after.occurred_at), (&before.event_type, before.occurred_at));
        assert_eq!(after.token_generated_at, None);
        let said: serde_json::Value = serde_json::from_str(&after.payload).unwrap();
        let expected = serde_json::json!({
            "id": after.id.to_string(),
            "type": after.event_type,
            "timestamp": said["timestamp"],
            "data": { "sequence": index + 1, "erased": true },
        });
        assert_eq!(said, expected);
        let told: serde_json::Value = serde_json::from_str(&before.payload).unwrap();
        assert_eq!(said["timestamp"], told["timestamp"]);
    }
    assert_eq!((last.id, last.event_type.as_str()), (change.events()[0].id, "customer.erased"));
    assert!(!last.is_erased, "it is the one that goes out");
    let said: serde_json::Value = serde_json::from_str(&last.payload).unwrap();
    let sequence = i64::try_from(before.len()).unwrap() + 1;
    let data = serde_json::json!({ "sequence": sequence, "customer_id": person.id().to_string() });
    assert_eq!(said["data"], data);
    let sequences = format!("customer_id = {} AND sequence = {sequence}", db.literal(person.id().uuid()));
    assert!(db.is_true(&format!("EXISTS (SELECT * FROM events WHERE {sequences})")));
    assert_eq!(db.database.events.find(before[0].id).await.unwrap().as_ref(), Some(&earlier[0]));
}

async fn his_deliveries_end_or_say_only_when_they_were_tried(db: Fixture) {
    let (person, lease) = person(&db).await;
    let (endpoint, other) = (endpoint_of(lease), held_endpoint(&db).await);
    let strangers = first_event(&db).await;
    queue(&db, lease, &[&strangers], 6).await;
    let events = events_of(&db, person.id()).await;
    queue(&db, other, &[&events[0]], 6).await;
    let before = all(&db, endpoint).await;
    let ended: Vec<_> = before.iter().filter(|one| matches!(one.status, DeliveryStatus::Accepted { .. })).collect();
    assert_eq!((before.len(), ended.len()), (events.len() + 1, 1));
    let again = DeliveryId::from(fresh_uuid());
    assert!(db.database.deliveries.redeliver(endpoint, ended[0].id, again, at(7), None).await.unwrap());
    person.erase(&db, 10).await;
    let after = all(&db, endpoint).await;
    let mut expected = ended[0].clone();
    assert!(expected.tries[0].answer.take().is_some());
    assert_eq!(after.iter().filter(|one| one.customer_id == person.id()).collect::<Vec<_>>(), [&expected]);
    assert_eq!(db.database.deliveries.find_delivery(endpoint, expected.id).await.unwrap(), Some(expected.clone()));
    assert_eq!(db.database.deliveries.of_customer(person.id()).await.unwrap(), [expected]);
    assert_eq!(all(&db, endpoint_of(other)).await, []);
    let due_now = due(&db, lease, 99).await.deliveries;
    assert_eq!(due_now.iter().map(|due| due.event.id).collect::<Vec<_>>(), [strangers.id]);
}

async fn his_numbers_are_free_and_his_id_is_used(db: Fixture) {
    let (person, _) = person(&db).await;
    let numbers: Vec<_> = [person.customer.confirmed().map(|held| held.phone.clone())]
        .into_iter()
        .chain([person.customer.challenge().map(|next| next.phone.clone())])
        .flatten()
        .collect();
    assert_eq!(numbers.len(), 2);
    person.erase(&db, 10).await;
    let again = creation(NewCustomer { id: person.id(), ..new_customer() });
    assert_eq!(db.database.customers.save(&again, Beside::default()).await, Err(SaveError::CustomerIdTaken));
    // Whose number is trusted makes no event; one alone, and several at once.
    let trusted = || changed(Customer::create_confirmed(NewCustomer { id: person.id(), ..new_customer() }, at(11)));
    assert_eq!(db.database.customers.save(&trusted(), Beside::default()).await, Err(SaveError::CustomerIdTaken));
    let several: Vec<_> = (0..8)
        .map(|_| {
            let (customers, change) = (db.database.customers.clone(), trusted());
            tokio::spawn(async move { customers.save(&change, Beside::default()).await })
        })
        .collect();
    for saved in several {
        assert_eq!(saved.await.unwrap(), Err(SaveError::CustomerIdTaken));
    }
    assert_eq!(db.find(person.id()).await, None);
    let in_order = db.database.retention.erased_customers(None, 10).await.unwrap();
    assert_eq!(in_order, [(person.id(), at(10))]);
    for phone in numbers {
        // Where the number is free and the id is not, it is the id that is told.
        let both = creation(NewCustomer { id: person.id(), phone: phone.clone(), ..new_customer() });
        assert_eq!(db.database.customers.save(&both, Beside::default()).await, Err(SaveError::CustomerIdTaken));
        db.save(&creation(NewCustomer { phone, ..new_customer() })).await;
    }
    // What was decided about him before is decided too late.
    let (change, beside) = person.erasure(11);
    assert_eq!(db.database.customers.save(&change, beside).await, Err(SaveError::VersionConflict));
    let late = renamed(&person.customer, "Yogi", 11);
    assert_eq!(db.database.customers.save(&late, Beside::default()).await, Err(SaveError::VersionConflict));
}

async fn his_card_is_queued_to_be_removed_at_its_provider(db: Fixture) {
    let (person, _) = person(&db).await;
    person.erase(&db, 10).await;
    let take = |now| db.database.detachments.take_due_detachments("test", at(now), at(100), 10);
    assert_eq!(take(9).await.unwrap(), []);
    let taken = take(10).await.unwrap();
    assert_eq!(cards(&taken), [person.card.parts().payment_method.as_str()]);
}

async fn what_he_began_at_his_provider_is_ended_there(db: Fixture) {
    let (person, _) = person(&db).await;
    let (stranger, _) = self::person(&db).await;
    let card_link = async |person: &Person| {
        let links = db.database.links.all(person.id()).await.unwrap();
        links.into_iter().find(|link| link.purpose == LinkPurpose::Card).unwrap()
    };
    let bind = async |link: &domain::Link, setup: &str| {
        db.database.links.bind_card_setup(link.id, None, setup.to_owned()).await.unwrap();
    };
    let link = card_link(&person).await;
    bind(&link, "seti_begun").await;
    bind(&card_link(&stranger).await, "seti_strangers").await;
    person.erase(&db, 10).await;
    let taken = db.database.detachments.take_due_detachments("test", at(10), at(100), 10).await.unwrap();
    let (setups, known): (Vec<_>, Vec<_>) =
        taken.into_iter().partition(|taken| matches!(taken.card, DetachedCard::OfSetup(_)));
    assert_eq!(cards(&known), [person.card.parts().payment_method.as_str()]);
    let card = DetachedCard::OfSetup("seti_begun".to_owned());
    assert_eq!(setups, [Detachment { id: link.id.uuid(), card, tries: 0 }]);
}

async fn the_setup_that_brought_his_card_is_left_as_it_is(db: Fixture) {
    let (person, _) = person(&db).await;
    let link = db.database.links.all(person.id()).await.unwrap().pop().unwrap();
    let setup = person.card.parts().setup.clone();
    db.database.links.bind_card_setup(link.id, None, setup).await.unwrap();
    person.erase(&db, 10).await;
    let taken = db.database.detachments.take_due_detachments("test", at(10), at(100), 10).await.unwrap();
    assert_eq!(cards(&taken), [person.card.parts().payment_method.as_str()], "the card itself is removed");
}

async fn his_requests_are_answered_no_more(db: Fixture) {
    let (person, _) = person(&db).await;
    let stranger = db.save(&creation(new_customer())).await;
    let others = IdempotencyRecord { id: Digest([1; 32]), customer_id: Some(stranger.id()), ..person.record() };
    let nobodys = IdempotencyRecord { id: Digest([2; 32]), customer_id: None, ..person.record() };
    for record in [&others, &nobodys] {
        db.database.idempotency.keep_record(record.clone()).await.unwrap();
    }
    // The request that erases is one too.
    let (change, beside) = person.erasure(10);
    let erasing = IdempotencyRecord { id: Digest([3; 32]), outcome: None, ..person.record() };
    let beside = Beside { record: Some(erasing.clone()), ..beside };
    db.database.customers.save(&change, beside.clone()).await.unwrap();
    assert_eq!(db.database.customers.save(&change, beside).await, Err(SaveError::Repeated));
    let blank = IdempotencyRecord { outcome: None, ..person.record() };
    for record in [blank, others, nobodys, erasing] {
        assert_eq!(db.database.idempotency.find_record(vec![record.id]).await.unwrap(), Some(record));
    }
    // Nor is anything kept of what was under way when he went.
    let late = IdempotencyRecord { id: Digest([4; 32]), ..person.record() };
    db.database.idempotency.keep_record(late.clone()).await.unwrap();
    assert_eq!(db.database.idempotency.find_record(vec![late.id]).await.unwrap(), None);
}

async fn a_change_that_came_first_is_a_conflict_and_nothing_is_gone(db: Fixture) {
    let (mut person, lease) = person(&db).await;
    let (change, beside) = person.erasure(10);
    person.customer = db.save(&renamed(&person.customer, "Yogi", 9)).await;
    let (rows, deliveries) = (db.rows(), all(&db, endpoint_of(lease)).await);
    let beside = Beside { record: Some(IdempotencyRecord { id: Digest([1; 32]), ..person.record() }), ..beside };
    assert_eq!(db.database.customers.save(&change, beside).await, Err(SaveError::VersionConflict));
    let sorted = |mut rows: Vec<(String, String)>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(db.rows()), sorted(rows));
    assert_eq!(all(&db, endpoint_of(lease)).await, deliveries);
}

fn hash(of: u8) -> Digest {
    Digest([of; 32])
}

async fn memory(db: &Fixture, current: Digest, previous: Option<Digest>) -> NumberMemory {
    db.database.customers.find_number_memory(KeyedHash { current, previous }).await.unwrap()
}

async fn what_is_remembered_of_a_number_outlives_him_under_any_of_its_hashes(db: Fixture) {
    assert_eq!(memory(&db, hash(1), Some(hash(2))).await, NumberMemory::default());
    let first = NumberMemory { wrong_tries: vec![at(1), at(5)], tokens: vec![at(0), at(3)] };
    remember(&db, hash(1), None, &first).await;
    assert_eq!(memory(&db, hash(1), None).await, first);
    assert_eq!(memory(&db, hash(9), Some(hash(1))).await, first);
    assert_eq!(memory(&db, hash(2), None).await, NumberMemory::default());
    // By a process that knows no other key: both are remembered, and what stands in both was one and the same.
    let second = NumberMemory { wrong_tries: vec![at(1), at(3)], tokens: vec![at(1), at(3)] };
    remember(&db, hash(2), None, &second).await;
    let both = NumberMemory { wrong_tries: vec![at(1), at(3), at(5)], tokens: vec![at(0), at(1), at(3)] };
    assert_eq!(memory(&db, hash(2), Some(hash(1))).await, both);
    // What is given up again is added, and then stands in one place.
    remember(&db, hash(2), Some(hash(1)), &NumberMemory { wrong_tries: Vec::new(), tokens: vec![at(7)] }).await;
    let latest = NumberMemory { tokens: vec![at(0), at(1), at(3), at(7)], ..both };
    assert_eq!(memory(&db, hash(2), None).await, latest);
    assert_eq!(memory(&db, hash(1), None).await, NumberMemory::default());
    // Where there is nothing to remember, nothing is stored.
    remember(&db, hash(3), None, &NumberMemory::default()).await;
    assert_eq!(db.number("SELECT count(*) AS number FROM number_memories"), 1);
    // It is forgotten a day after the last of it.
    let prune = async |seconds| db.database.retention.prune_outlived(at(-1), at(seconds), 10).await.unwrap();
    prune(7 + 86_399).await;
    assert_eq!(memory(&db, hash(2), None).await, latest);
    prune(7 + 86_400).await;
    assert_eq!(memory(&db, hash(2), None).await, NumberMemory::default());
}

/// Somebody gives up a number.
async fn remember(db: &Fixture, current: Digest, previous: Option<Digest>, memory: &NumberMemory) {
    let customer = db.save(&creation(new_customer())).await;
    let change = customer.erase(None, moment(10)).change.unwrap();
    let memories = vec![(KeyedHash { current, previous }, memory.clone())];
    db.database.customers.save(&change, Beside { memories, ..Beside::default() }).await.unwrap();
}

async fn what_is_remembered_of_a_number_goes_to_who_takes_it_if_it_is_what_he_expects(db: Fixture) {
    let known = NumberMemory { wrong_tries: vec![at(1)], tokens: vec![at(0), at(3)] };
    remember(&db, hash(1), None, &known).await;
    let number = KeyedHash { current: hash(2), previous: Some(hash(1)) };
    let new = new_customer();
    let create = async |expected: &NumberMemory| {
        let beside = Beside { inherits: Some((number, expected.clone())), ..Beside::default() };
        db.database.customers.save(&creation(new.clone()), beside).await
    };
    let before = db.rows();
    for other in [NumberMemory::default(), NumberMemory { tokens: vec![at(0)], ..known.clone() }] {
        assert_eq!(create(&other).await, Err(SaveError::VersionConflict));
        assert_eq!(db.rows(), before, "nothing is stored");
    }
    assert_eq!(create(&known).await, Ok(()));
    assert_eq!(memory(&db, hash(2), Some(hash(1))).await, NumberMemory::default(), "it is with him");
    // Another who counts on it comes too late.
    let late = Beside { inherits: Some((number, known.clone())), ..Beside::default() };
    let late = db.database.customers.save(&creation(new_customer()), late).await;
    assert_eq!(late, Err(SaveError::VersionConflict));
    // Nobody else can take it, so that his own is all there is when he gives it up.
    let customer = db.find(new.id).await.unwrap();
    assert_eq!(create(&known).await, Err(SaveError::CustomerIdTaken));
    let change = customer.erase(None, moment(10)).change.unwrap();
    let memories = vec![(number, known.clone())];
    db.database.customers.save(&change, Beside { memories, ..Beside::default() }).await.unwrap();
    assert_eq!(memory(&db, hash(2), None).await, known, "once, under the hash of now");
    assert_eq!(db.number("SELECT count(*) AS number FROM number_memories"), 1);
}

async fn what_was_read_before_is_queued_no_more(db: Fixture) {
    let (person, lease) = person(&db).await;
    let (endpoint, other) = (endpoint_of(lease), held_endpoint(&db).await);
    let events = events_of(&db, person.id()).await;
    let strangers = first_event(&db).await;
    let accepted = all(&db, endpoint).await.pop().unwrap();
    let repeats: Vec<NewDelivery> = events.iter().chain([&strangers]).map(delivery_of).collect();
    let query = ReplayQuery {
        endpoint_id: endpoint,
        event_types: EventType::ALL.to_vec(),
        since: at(-100),
        after: 0,
        limit: 100,
    };
    let replayable = async || db.database.deliveries.replayable(query.clone()).await.unwrap();
    queue(&db, lease, &[&strangers], 6).await;
    assert_eq!(replayable().await.len(), events.len() + 1);
    person.erase(&db, 10).await;

    queue(&db, other, &events.iter().chain([&strangers]).collect::<Vec<_>>(), 11).await;
    assert_eq!(all(&db, endpoint_of(other)).await.iter().map(|one| one.event_id).collect::<Vec<_>>(), [strangers.id]);
    let again = DeliveryId::from(fresh_uuid());
    assert!(!db.database.deliveries.redeliver(endpoint, accepted.id, again, at(11), None).await.unwrap());
    db.database.deliveries.enqueue_repeats(endpoint, repeats, Repeat::Replay, at(11), None).await.unwrap();
    let queued = all(&db, endpoint).await;
    let pending: Vec<_> =
        queued.iter().filter(|one| one.id != accepted.id).map(|one| (one.event_id, one.repeat)).collect();
    assert_eq!(pending, [(strangers.id, None), (strangers.id, Some(Repeat::Replay))]);
    assert_eq!(replayable().await.iter().map(|one| one.event_id).collect::<Vec<_>>(), [strangers.id]);
}

async fn a_try_that_was_under_way_leaves_nothing(db: Fixture) {
    let (person, lease) = person(&db).await;
    let strangers = first_event(&db).await;
    queue(&db, lease, &[&strangers], 7).await;
    let due_now = due(&db, lease, 7).await.deliveries;
    assert_eq!(due_now.len(), 2);
    person.erase(&db, 10).await;
    for then in [retry(20), AfterTry::GiveUp, AfterTry::Accepted] {
        let mut tries: Vec<RecordedTry> = due_now.iter().map(|due| tried(due, 10, then)).collect();
        for one in &mut tries {
            one.tried.answer = Some("what was sent".to_owned());
        }
        record(&db, lease, tries, 11).await;
    }
    let rows = "SELECT count(*) AS number FROM delivery_tries WHERE answer IS NOT NULL";
    assert_eq!(db.number(rows), 1, "the stranger's");
    assert_eq!(tables_with(&db, &person), set(&["card_detachments"]));
    assert_eq!(all(&db, endpoint_of(lease)).await.len(), 2);
    assert_eq!(due(&db, lease, 99).await.deliveries, []);
}

async fn who_is_gone_gets_no_links_and_is_known_to_no_provider(db: Fixture) {
    let (person, _) = person(&db).await;
    person.erase(&db, 10).await;
    let links: Vec<_> = LinkPurpose::ALL.iter().map(|purpose| person.link(*purpose)).collect();
    assert_eq!(db.database.links.issue(links.clone(), at(0)).await.unwrap(), []);
    assert_eq!(db.database.links.find_by_code(&links[0].code).await.unwrap(), None);
    let setup = db.database.links.bind_card_setup(links[0].link.id, None, "seti".to_owned()).await.unwrap();
    assert_eq!(setup, None);
    let providers = &db.database.provider_customers;
    for replaces in [None, Some("cus_0".to_owned())] {
        let kept = providers.keep_provider_customer(person.id(), "test", replaces, "cus_1".to_owned()).await;
        assert_eq!(kept.unwrap(), "cus_1");
    }
    assert_eq!(providers.find_provider_customer(person.id(), "test").await.unwrap(), None);
}

async fn the_event_of_it_is_delivered_like_any_other(db: Fixture) {
    let (person, lease) = person(&db).await;
    let (change, _) = person.erasure(10);
    let erased = event(&db, &change).await;
    assert_eq!(db.database.receivers.arrivals(lease.receiver, 10).await.unwrap(), std::slice::from_ref(&erased));
    queue(&db, lease, &[&erased], 11).await;
    let due = one_due(&db, lease, 11).await;
    assert_eq!((&due.event, due.is_superseded, due.wrong_tries), (&erased, false, 0));
    record(&db, lease, vec![tried(&due, 12, AfterTry::Accepted)], 12).await;
    assert!(
        db.database
            .deliveries
            .redeliver(endpoint_of(lease), due.id, DeliveryId::from(fresh_uuid()), at(13), None)
            .await
            .unwrap()
    );
    assert_eq!(one_due(&db, lease, 13).await.event, erased);
}

/// What may come at the same moment, from this process and another.
#[expect(clippy::too_many_lines, reason = "a task for each thing that may happen at once")]
async fn whatever_happens_at_the_same_time_nothing_is_left(db: Fixture) {
    const ROUNDS: usize = 25;
    let other = Arc::new(db.second().await);
    let db = Arc::new(db);
    let lease = held_endpoint(&db).await;
    let endpoint = endpoint_of(lease);
    let mut erased = Vec::new();
    for round in 0..ROUNDS {
        let mut person = Person::new();
        person.settle_in_full(&db, lease).await;
        let events = events_of(&db, person.id()).await;
        let due_now = due(&db, lease, 7).await.deliveries;
        let second = held_endpoint(&db).await;
        let person = Arc::new(person);
        let mut tasks = Vec::new();
        tasks.push(tokio::spawn({
            let (other, person) = (other.clone(), person.clone());
            async move {
                for purpose in LinkPurpose::ALL {
                    let mut later = person.link(purpose);
                    later.link.generation += 1;
                    later.code.0[30] = 99;
                    // Those from before are forgotten at the same time.
                    other.links.issue(vec![later], at(1_000_000)).await.unwrap();
                }
            }
        }));
        tasks.push(tokio::spawn({
            let (other, person) = (other.clone(), person.clone());
            async move {
                for provider in ["test", "another"] {
                    let keep = other.provider_customers.keep_provider_customer(
                        person.id(),
                        provider,
                        None,
                        format!("cus-zq{round:06}"),
                    );
                    keep.await.unwrap();
                }
            }
        }));
        tasks.push(tokio::spawn({
            let (db, other, events) = (db.clone(), other.clone(), events.clone());
            async move {
                let position = events.last().map_or(0, |event| event.position);
                let new = events.iter().map(delivery_of).collect();
                other.deliveries.enqueue(second, new, position, at(8)).await.unwrap();
                let due_now = due(&db, second, 8).await.deliveries;
                let tries = due_now.iter().map(|due| tried(due, 8, AfterTry::Accepted)).collect();
                other.deliveries.record(second, tries, at(8)).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn({
            let other = other.clone();
            async move {
                let tries = due_now.iter().map(|due| tried(due, 8, AfterTry::Accepted)).collect();
                other.deliveries.record(lease, tries, at(8)).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn({
            let (other, events) = (other.clone(), events.clone());
            async move {
                let repeats = events.iter().map(delivery_of).collect();
                other.deliveries.enqueue_repeats(endpoint, repeats, Repeat::Replay, at(8), None).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn({
            let (other, person) = (other.clone(), person.clone());
            async move {
                let change = renamed(&person.customer, "Yogi", 9);
                match other.customers.save(&change, Beside::default()).await {
                    Ok(()) | Err(SaveError::VersionConflict) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }));
        // As the use case does: again, where another was faster.
        let mut tries = 0;
        loop {
            let Some(customer) = db.find(person.id()).await else { break };
            let change = customer.erase(Some(&person.card), moment(10)).change.unwrap();
            match db.database.customers.save(&change, Beside::default()).await {
                Ok(()) | Err(SaveError::VersionConflict) => tries += 1,
                Err(other) => panic!("round {round}: {other:?}"),
            }
            assert!(tries < 5, "round {round}");
        }
        for task in tasks {
            task.await.unwrap();
        }
        erased.push(person);
    }
    let rows = db.rows();
    for person in &erased {
        assert_eq!(tables_of(&rows, person), set(&["card_detachments"]));
        let known = tables_with_id(&rows, person.id());
        assert!(
            known.is_subset(&set(&["deliveries", "erased_customers", "events", "idempotency_records"])),
            "{known:?}"
        );
    }
    let pending = "SELECT count(*) AS number FROM deliveries WHERE accepted_at IS NULL AND failed_at IS NULL";
    assert_eq!(db.number(pending), 0);
    assert_eq!(db.number("SELECT count(*) AS number FROM erased_customers"), i64::try_from(ROUNDS).unwrap());
}

async fn two_who_erase_him_at_once_erase_him_once(db: Fixture) {
    let other = db.second().await;
    for round in 0..8 {
        let (person, _) = person(&db).await;
        let [(ours, beside), (theirs, _)] = [person.erasure(10), person.erasure(10)];
        let results =
            tokio::join!(db.database.customers.save(&ours, beside.clone()), other.customers.save(&theirs, beside));
        assert!(
            matches!(results, (Ok(()), Err(SaveError::VersionConflict)) | (Err(SaveError::VersionConflict), Ok(()))),
            "round {round}: {results:?}"
        );
        let of_erasure = events_of(&db, person.id()).await.into_iter().filter(|event| !event.is_erased);
        assert_eq!(of_erasure.count(), 1);
    }
}

/// Whoever issues a link locks the customer's row first, a little, and his old links last.
#[tokio::test]
async fn who_erases_a_customer_and_who_issues_his_links_do_not_wait_for_each_other() {
    let db = Fixture::postgresql().await;
    let (person, _) = person(&db).await;
    let id = db.literal(person.id().uuid());
    let mut other = db.raw();
    other
        .batch_execute(&format!(
            "BEGIN; INSERT INTO links (id, customer_id, purpose, generation, code, created_at, expires_at) \
             SELECT gen_random_uuid(), customer_id, purpose, 9, decode('00', 'hex'), created_at, expires_at FROM links \
             WHERE customer_id = {id} AND purpose = 'card'"
        ))
        .unwrap();
    let (change, beside) = person.erasure(10);
    let erasure = tokio::spawn({
        let customers = db.database.customers.clone();
        async move { customers.save(&change, beside).await }
    });
    db.until_somebody_waits("Lock").await;
    other.batch_execute(&format!("SELECT id FROM links WHERE customer_id = {id} FOR UPDATE NOWAIT; COMMIT")).unwrap();
    erasure.await.unwrap().unwrap();
    assert_eq!(tables_with(&db, &person), set(&["card_detachments"]));
}
