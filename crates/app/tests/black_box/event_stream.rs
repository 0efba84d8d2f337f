//! `GET /v1/events/stream`: events as they come, from where the client left off.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_support::{Answer, DatabaseKind, EventStream, Http, SseEvent};

use crate::errors::{assert_fields, assert_problem};
use crate::world::{World, new_customer, number, token_of, until};

crate::on_both_databases!(
    a_stream_begins_with_what_comes_from_now_on,
    a_client_that_is_cut_off_before_any_event_knows_where_it_was,
    a_client_that_comes_back_misses_nothing_and_sees_nothing_twice,
    the_header_beats_the_query,
    an_event_to_begin_after_must_be_one,
    a_read_key_sees_no_tokens,
    a_revoked_key_ends_the_stream,
    streams_end_when_the_service_does,
    a_slow_client_is_cut_off_and_comes_back_without_a_gap,
    events_of_one_process_reach_the_streams_of_another,
    an_event_is_not_waited_for,
    a_slow_client_does_not_hold_up_the_end_for_long,
    a_stream_outlives_the_last_event_that_it_has_seen,
);

const PATH: &str = "/v1/events/stream";
const SOON: Duration = Duration::from_mins(1);

fn open(http: &Http, path: &str, headers: &[(&str, &str)]) -> EventStream {
    EventStream::open(http, path, headers).unwrap_or_else(|answer| panic!("{path} {headers:?}: {answer:?}"))
}

fn refused(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    *EventStream::open(&world.http, path, headers).expect_err("it is to be refused")
}

fn id_of(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

fn ids(events: &[SseEvent]) -> Vec<String> {
    events.iter().map(|event| event.id.clone().unwrap()).collect()
}

fn a_stream_begins_with_what_comes_from_now_on(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut first = open(&world.http, PATH, &[]);
    assert_eq!(first.header("content-type"), Some("text/event-stream"));
    assert_eq!(first.header("cache-control"), Some("no-store"));
    assert!(first.header("x-request-id").is_some());
    let before = world.create();
    let mut second = open(&world.http, PATH, &[]);
    let after = world.create();

    let events = world.events();
    let seen = first.take(2, SOON);
    for (seen, event) in seen.iter().zip(&events) {
        assert_eq!((seen.id.as_deref(), seen.event.as_deref()), (event["id"].as_str(), Some("verification")));
        assert_eq!(seen.json(), *event, "as it stands in the list");
    }
    assert_eq!(seen[0].json()["data"]["customer"], before);
    let seen = second.next(SOON).expect("the second customer's event");
    assert_eq!(seen.json()["data"]["customer"], after);
}

fn a_client_that_is_cut_off_before_any_event_knows_where_it_was(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut of_nothing = open(&world.http, PATH, &[]);
    assert_eq!(of_nothing.next(Duration::from_millis(100)), None);
    assert_eq!(of_nothing.last_id(), None, "there is no event to begin after");
    world.create();
    let last = id_of(&world.events()[0]);
    let mut stream = open(&world.http, PATH, &[]);
    until("the stream says where it begins", SOON, || {
        assert_eq!(stream.next(Duration::from_millis(20)), None, "nothing is dispatched by it");
        (stream.last_id() == Some(&last)).then_some(())
    });
    drop(stream);
    let missed = world.create();
    let mut again = open(&world.http, PATH, &[("Last-Event-ID", &last)]);
    assert_eq!(again.next(SOON).expect("what was missed").json()["data"]["customer"], missed);
}

fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice(kind: DatabaseKind) {
    const WRITERS: usize = 4;
    const EACH: usize = 60;
    let world = World::start(kind);
    let first = id_of(&{
        world.create();
        world.events().remove(0)
    });
    let mut seen = vec![first];
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    assert_eq!(world.http.post("/v1/customers", &new_customer(&number())).status, 201);
                }
            });
        }
        for round in 0.. {
            let last = seen.last().unwrap().clone();
            let mut stream = if round % 2 == 0 {
                open(&world.http, PATH, &[("Last-Event-ID", &last)])
            } else {
                open(&world.http, &format!("{PATH}?after={last}"), &[])
            };
            let missing = WRITERS * EACH + 1 - seen.len();
            seen.extend(ids(&stream.take(missing.min(1 + round % 17), SOON)));
            if seen.len() > WRITERS * EACH {
                break;
            }
        }
    });
    let expected: Vec<String> = world.events().iter().map(id_of).collect();
    assert_eq!(expected.len(), WRITERS * EACH + 1);
    assert_eq!(seen, expected);
}

fn the_header_beats_the_query(kind: DatabaseKind) {
    let world = World::start(kind);
    for _ in 0..3 {
        world.create();
    }
    let events: Vec<String> = world.events().iter().map(id_of).collect();
    let mut stream = open(&world.http, &format!("{PATH}?after={}", events[0]), &[("Last-Event-ID", &events[1])]);
    assert_eq!(stream.next(SOON).unwrap().id.as_ref(), Some(&events[2]));
    let mut stream = open(&world.http, &format!("{PATH}?after={}", events[0]), &[]);
    assert_eq!(ids(&stream.take(2, SOON)), events[1..]);
}

fn an_event_to_begin_after_must_be_one(kind: DatabaseKind) {
    let world = World::start(kind);
    world.create();
    let known = id_of(&world.events()[0]);
    let unknown = "evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e";
    for id in [unknown, "7", "evt_", known.trim_start_matches("evt_")] {
        let by_header = refused(&world, PATH, &[("Last-Event-ID", id)]);
        assert_fields(&by_header, &[("Last-Event-ID", "invalid")]);
        let by_query = refused(&world, &format!("{PATH}?after={id}"), &[]);
        assert_fields(&by_query, &[("after", "invalid")]);
        for answer in [by_header, by_query] {
            assert!(answer.text.contains("begin with what comes from now on"), "{}", answer.text);
        }
    }
    assert_fields(
        &refused(&world, &format!("{PATH}?customer_id=x&after=7"), &[("Last-Event-ID", &known)]),
        &[("after", "invalid"), ("customer_id", "unknown")],
    );
    let anonymous = EventStream::open(&world.service.client(), PATH, &[]).expect_err("there is no key");
    assert_problem(&anonymous, 401, "unauthorized", "there is no key");
}

fn a_read_key_sees_no_tokens(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut stream = open(&world.client_with_scope("read"), PATH, &[]);
    let customer = world.create();
    let event = stream.next(SOON).unwrap();
    assert!(!event.data.contains(token_of(&customer)), "{}", event.data);
    let mut shown = world.events().remove(0);
    shown["data"]["confirmation_token"] = Value::Null;
    shown["data"]["customer"]["confirmation_token"] = Value::Null;
    assert_eq!(event.json(), shown, "nothing else is hidden");
}

#[test]
fn a_quiet_stream_says_that_it_is_there_every_15_seconds() {
    let world = World::start(DatabaseKind::Sqlite);
    let mut stream = open(&world.http, PATH, &[]);
    let opened = Instant::now();
    assert_eq!(stream.next(Duration::from_secs(10)), None);
    assert_eq!((stream.heartbeats(), stream.ended()), (0, false), "not all the time");
    while stream.heartbeats() == 0 {
        assert!(opened.elapsed() < Duration::from_secs(18), "no heartbeat");
        assert_eq!(stream.next(Duration::from_millis(200)), None);
    }
    assert!(opened.elapsed() > Duration::from_secs(14), "{:?}", opened.elapsed());
    world.create();
    assert!(stream.next(SOON).is_some(), "it goes on");
}

fn a_revoked_key_ends_the_stream(kind: DatabaseKind) {
    let world = World::start(kind);
    let name = "to-be-revoked";
    let key = world.run(&["keys", "create", "--name", name]).stdout.trim().to_owned();
    let mut revoked = open(&world.http.with_key(&key), PATH, &[]);
    let mut other = open(&world.http, PATH, &[]);
    let list = world.run(&["keys", "list"]).stdout;
    let line = list.lines().find(|line| line.ends_with(name)).unwrap();
    world.run(&["keys", "revoke", line.split_whitespace().next().unwrap()]);
    let since = Instant::now();
    assert_eq!(revoked.until_ended(SOON), Vec::new());
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    world.create();
    assert!(other.next(SOON).is_some(), "other streams go on");
}

fn streams_end_when_the_service_does(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut streams: Vec<_> = (0..20).map(|_| open(&world.http, PATH, &[])).collect();
    world.create();
    for stream in &mut streams {
        stream.take(1, SOON);
    }
    let asked = Instant::now();
    world.service.signal("TERM");
    for stream in &mut streams {
        assert_eq!(stream.until_ended(SOON), Vec::new());
        assert!(stream.ended_in_full(), "they end as they should, not by a broken connection");
    }
    assert_eq!(world.service.wait(SOON).code(), Some(0), "{}", world.service.logs());
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
}

/// So many events that a client which does not read is soon a slow one; their ids.
fn many_long_events(world: &World, kind: DatabaseKind, count: usize) -> Vec<String> {
    for _ in 0..count {
        world.create();
    }
    // White space after a document changes nothing but that buffers on the way are full soon.
    let padding = match kind {
        DatabaseKind::Sqlite => "printf('%300000s', '')",
        DatabaseKind::Postgresql => "repeat(' ', 300000)",
    };
    let ids = world.events().iter().map(id_of).collect();
    world.database.execute(&format!("UPDATE events SET payload = payload || {padding}"));
    ids
}

fn a_slow_client_does_not_hold_up_the_end_for_long(kind: DatabaseKind) {
    let world = World::start(kind);
    let ids = many_long_events(&world, kind, 160);
    let slow = open(&world.http, &format!("{PATH}?after={}", ids[0]), &[]);
    // What is on its way to it by now is more than buffers take.
    let mut quick = open(&world.http, &format!("{PATH}?after={}", ids[0]), &[]);
    quick.take(ids.len() - 1, SOON);
    let asked = Instant::now();
    world.service.signal("TERM");
    assert_eq!(world.service.wait(Duration::from_secs(30)).code(), Some(0), "{}", world.service.logs());
    // It has the ten seconds of a request that runs, and no more.
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    drop(slow);
}

fn a_slow_client_is_cut_off_and_comes_back_without_a_gap(kind: DatabaseKind) {
    const EVENTS: usize = 260;
    let world = World::start(kind);
    let expected = many_long_events(&world, kind, EVENTS);
    let mut slow = open(&world.http, &format!("{PATH}?after={}", expected[0]), &[]);
    let mut other = open(&world.http, PATH, &[]);
    until("the slow client is cut off", Duration::from_mins(1), || {
        world.service.logs().contains("too slow").then_some(())
    });
    world.create();
    assert!(other.next(SOON).is_some(), "others are not held up");
    let mut seen = vec![expected[0].clone()];
    seen.extend(ids(&slow.until_ended(SOON)));
    assert!((2..EVENTS).contains(&seen.len()), "{} of {EVENTS} events came", seen.len());
    let last = seen.last().unwrap().clone();
    let mut back = open(&world.http, PATH, &[("Last-Event-ID", &last)]);
    seen.extend(ids(&back.take(EVENTS - seen.len(), SOON)));
    assert_eq!(seen, expected);
}

/// How long events took from their making in one service to a stream of another, sorted.
fn journeys(world: &World, writer: &Http, stream: &mut EventStream) -> Vec<Duration> {
    let mut journeys: Vec<Duration> = (0..11)
        .map(|_| {
            let made = Instant::now();
            let answer = writer.post("/v1/customers", &new_customer(&number()));
            assert_eq!(answer.status, 201, "{answer:?}");
            let event = stream.next(SOON).unwrap_or_else(|| panic!("no event came:\n{}", world.service.logs()));
            assert_eq!(event.json()["data"]["customer"]["id"], answer.json()["id"]);
            made.elapsed()
        })
        .collect();
    journeys.sort_unstable();
    journeys
}

fn events_of_one_process_reach_the_streams_of_another(kind: DatabaseKind) {
    let world = World::start(kind);
    let other = world.another();
    let mut stream = open(&other.client().with_key(&world.key), PATH, &[]);
    let journeys = journeys(&world, &world.http, &mut stream);
    // SQLite tells nobody, so there it is looked for twice a second. PostgreSQL tells.
    let median = if kind == DatabaseKind::Postgresql { 250 } else { 1_000 };
    assert!(journeys[5] < Duration::from_millis(median), "{journeys:?}");
    let back = open(&world.http, PATH, &[]).next(Duration::ZERO);
    assert_eq!(back, None);
}

fn an_event_is_not_waited_for(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut stream = open(&world.http, PATH, &[]);
    let journeys = journeys(&world, &world.http, &mut stream);
    assert!(journeys[5] < Duration::from_millis(250), "it is told, not looked for: {journeys:?}");
}

/// A quiet installation: all that was seen is older than events are kept.
fn a_stream_outlives_the_last_event_that_it_has_seen(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_EVENT_RETENTION", "1s")]);
    let mut stream = open(&world.http, PATH, &[]);
    for _ in 0..2 {
        world.create();
    }
    let last = ids(&stream.take(2, SOON)).remove(1);
    until("what is old is removed", SOON, || (world.events().len() < 2).then_some(()));
    let mut back = open(&world.http, PATH, &[("Last-Event-ID", &last)]);
    let customer = world.create();
    for stream in [&mut stream, &mut back] {
        let event = stream.next(SOON).expect("the last event that was seen is gone, and the stream with it");
        assert_eq!(event.json()["data"]["customer"], customer);
    }
}

#[test]
fn a_process_serves_256_streams_and_says_when_there_is_no_room() {
    let world = World::start(DatabaseKind::Sqlite);
    let mut streams: Vec<_> = (0..256).map(|_| open(&world.http, PATH, &[])).collect();
    let answer = refused(&world, PATH, &[]);
    assert_problem(&answer, 503, "unavailable", "there are 256 streams");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    world.create();
    for stream in &mut streams {
        stream.take(1, SOON);
    }
    drop(streams.pop());
    // That a client has gone is noticed when something is sent to it.
    until("there is room again", SOON, || {
        world.create();
        EventStream::open(&world.http, PATH, &[]).ok()
    });
}
