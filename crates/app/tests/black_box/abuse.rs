//! Clients that mean ill: what they send is refused, what they hold is taken from them, memory stays bounded, and others are
//! served meanwhile.
//!
//! With modest numbers here; `scripts/abuse` goes to 10,000 connections on a release build, and prints figures.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_support::{Answer, DatabaseKind, Service};

use crate::errors::assert_problem;
use crate::world::{World, binary, new_customer, number};

/// How long whoever holds a connection without saying what he wants may hold it: 10 seconds, and a busy machine's delay.
const PATIENCE: Duration = Duration::from_secs(14);

fn connect(world: &World) -> TcpStream {
    let connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.set_write_timeout(Some(PATIENCE)).unwrap();
    connection
}

/// What is answered until the connection is closed; panics when it is not.
fn rest(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match connection.read_to_end(&mut answer) {
        // What was sent after the answer makes the system forget some of it.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("it is not closed: {error}"),
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}

/// Sends bytes, of which a service that closes the connection takes some, and reads the answer.
fn answer_to(world: &World, bytes: &[u8]) -> String {
    let mut connection = connect(world);
    let _ = connection.write_all(bytes);
    rest(&mut connection)
}

/// Tells when it is dropped, by a panic too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does what is bad while a client of good faith creates a customer after another; the waits of that client.
fn meanwhile(world: &World, what: impl FnOnce()) -> Vec<Duration> {
    let is_over = AtomicBool::new(false);
    let mut waits = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut waits = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = world.http.post("/v1/customers", &new_customer(&number()));
                // The database may have been kept waiting too; the service goes on.
                assert!([201, 503].contains(&answer.status), "{answer:?}");
                waits.push(begun.elapsed());
                thread::sleep(Duration::from_millis(10));
            }
            waits
        });
        let over = Over(&is_over);
        what();
        drop(over);
        client.join().unwrap()
    });
    waits.sort();
    waits
}

#[test]
fn what_is_no_http_is_refused_and_ends_its_connection() {
    let world = World::start(DatabaseKind::Sqlite);
    let head = format!("POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", world.key);
    let head = format!("{head}Content-Type: application/json\r\n");
    let many_headers: String = (0..200).fold(String::new(), |mut headers, n| {
        let _ = write!(headers, "X-{n}: y\r\n");
        headers
    });
    let long = "x".repeat(200_000);
    let rows: [(&str, String); 24] = [
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03 and so on".to_owned()),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no protocol", "GET /\r\n\r\n".to_owned()),
        ("no method", "G<T / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("a line without end", long.clone()),
        ("a path without end", format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a query without end", format!("GET /v1/events?{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a header without end", format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: x\r\n{many_headers}\r\n")),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_owned()),
        ("a folded header", "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n".to_owned()),
        ("a header with a zero", "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n".to_owned()),
        ("two lengths", format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}")),
        ("a length twice", format!("{head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("two lengths in one", format!("{head}Content-Length: 2, 2\r\n\r\n{{}}")),
        ("a length and chunks", format!("{head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunks in an old version", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("chunks twice", format!("{head}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")),
        ("chunks in gzip", format!("{head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")),
        ("a length below zero", format!("{head}Content-Length: -1\r\n\r\n")),
        ("a length beyond all", format!("{head}Content-Length: 99999999999999999999\r\n\r\n")),
        ("a chunk of no size", format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n")),
        (
            "a chunk beyond all",
            format!("{head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}\r\n0\r\n\r\n"),
        ),
    ];
    for (what, bytes) in rows {
        let answer = answer_to(&world, bytes.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
    }
    let (size, extension) = ("ffffffff", format!("1;{long}"));
    for (what, chunk) in [("a chunk of 4 GiB", size), ("a chunk with an extension without end", &*extension)] {
        let answer = answer_to(&world, format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}\r\n{long}").as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
    }
    assert_eq!(world.events(), Vec::<serde_json::Value>::new(), "nothing was taken for a request to create");
    world.create();
}

#[test]
fn documents_that_are_large_in_little_space_are_refused_in_little_time() {
    let world = World::start(DatabaseKind::Sqlite);
    let json =
        |body: &str| world.http.send("POST", "/v1/customers", &[("Content-Type", "application/json")], body.to_owned());
    let members = (0..6_000).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(",");
    let same = vec!["\"email\":\"a@example.com\""; 2_500].join(",");
    let (deep, open) = ("[".repeat(30_000), "]".repeat(30_000));
    let is_short = |answer: &Answer| assert!(answer.text.len() < 64 * 1024, "{} bytes", answer.text.len());
    let begun = Instant::now();
    for (body, status, code) in [
        (format!("{{{members}}}"), 422, "invalid_parameters"),
        (format!("{{{same}}}"), 422, "invalid_parameters"),
        (format!("{{\"email\":{deep}{open}}}"), 400, "malformed_request"),
        (format!("{{\"email\":{}1{}}}", "[".repeat(100), "]".repeat(100)), 422, "invalid_parameters"),
        (format!("{{\"email\":1{}}}", "0".repeat(60_000)), 400, "malformed_request"),
        (format!("{{\"email\":\"{}\"}}", "\\u0000".repeat(10_000)), 422, "invalid_parameters"),
        (format!("{{\"{}\":1}}", "x".repeat(60_000)), 422, "invalid_parameters"),
        (
            format!("{{\"unconfirmed_phone_number\":\"{}\",\"country_code\":\"CA\"}}", "1".repeat(60_000)),
            422,
            "invalid_parameters",
        ),
        (
            format!("{{\"unconfirmed_phone_number\":\"{}\",\"country_code\":\"CA\"}}", "+(".repeat(30_000)),
            422,
            "invalid_parameters",
        ),
        (format!("{{\"email\":\"{}@{}\"}}", "a.".repeat(15_000), "b.".repeat(15_000)), 422, "invalid_parameters"),
    ] {
        let answer = json(&body);
        assert_problem(&answer, status, code, &body[..40]);
        is_short(&answer);
    }
    let parameters = (0..2_500).map(|n| format!("p{n}")).collect::<Vec<_>>().join("&");
    for query in
        [parameters, vec!["limit=1"; 1_800].join("&"), "%".repeat(15_000), format!("after={}", "x".repeat(15_000))]
    {
        let answer = world.http.get(&format!("/v1/events?{query}"));
        assert_problem(&answer, 422, "invalid_parameters", &query[..20]);
        is_short(&answer);
    }
    // A bomb is not unpacked to find out that it is one: what is compressed is refused unread.
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)];
        let answer = world.http.send("POST", "/v1/customers", &headers, vec![0x1f; 60_000]);
        assert_problem(&answer, 415, "unsupported_media_type", encoding);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.create();
}

/// What a connection may do to be held.
#[derive(Debug, Clone, Copy)]
enum Hold {
    /// Says nothing.
    Idle,
    /// Sends the headers of its first request byte by byte.
    Headers,
    /// Sends a request, and then the headers of another one byte by byte.
    LaterHeaders,
    /// Sends a body byte by byte.
    Body,
    /// Sends one request after another and reads no answer.
    Unread,
}

impl Hold {
    const ALL: [Self; 5] = [Self::Idle, Self::Headers, Self::LaterHeaders, Self::Body, Self::Unread];

    fn begin(self, world: &World) -> TcpStream {
        let mut connection = connect(world);
        let body = format!(
            "POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: 60000\r\n\r\n{{",
            world.key
        );
        let begin: &[u8] = match self {
            Self::Idle => b"",
            Self::Headers => b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
            Self::LaterHeaders => b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
            Self::Body => body.as_bytes(),
            Self::Unread => {
                let many = b"GET /l/abcdefGHIJ12 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(5_000);
                connection.set_nonblocking(true).unwrap();
                let _ = connection.write_all(&many);
                return connection;
            }
        };
        connection.write_all(begin).unwrap();
        connection.set_nonblocking(true).unwrap();
        connection
    }

    /// Sends the next byte. Whether the service still holds the connection.
    fn go_on(self, connection: &mut TcpStream) -> bool {
        if !matches!(self, Self::Unread) {
            let mut answer = [0; 4096];
            match connection.read(&mut answer) {
                Ok(0) => return false,
                Err(error) if error.kind() != ErrorKind::WouldBlock => return false,
                _ => {}
            }
        }
        let next: &[u8] = match self {
            Self::Idle => return true,
            Self::Unread => b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            Self::Headers | Self::LaterHeaders | Self::Body => b"x",
        };
        match connection.write_all(next) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// What holding connections did, times in order.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not compared is printed")]
struct Figures {
    resident_kib_before: u64,
    resident_kib_at_most: u64,
    resident_kib_after: u64,
    connected_after: Duration,
    all_taken_after: Duration,
    customers_created_meanwhile: usize,
    median_wait: Duration,
    longest_wait: Duration,
}

/// Holds so many connections in each way until the service has taken all of them.
fn hold(world: &World, ways: &[Hold], each: usize, bound: Duration) -> Figures {
    let resident_kib_before = world.service.resident_kib();
    let mut resident_kib_at_most = resident_kib_before;
    let (mut connected_after, mut all_taken_after) = (Duration::ZERO, Duration::ZERO);
    let waits = meanwhile(world, || {
        let begun = Instant::now();
        let mut held: Vec<(Hold, TcpStream)> =
            ways.iter().flat_map(|way| (0..each).map(|_| (*way, way.begin(world)))).collect();
        connected_after = begun.elapsed();
        while !held.is_empty() {
            held.retain_mut(|(way, connection)| way.go_on(connection));
            resident_kib_at_most = resident_kib_at_most.max(world.service.resident_kib());
            let left: BTreeSet<String> = held.iter().map(|(way, _)| format!("{way:?}")).collect();
            assert!(begun.elapsed() < bound, "{} are still held: {left:?}", held.len());
            thread::sleep(Duration::from_millis(250));
        }
        all_taken_after = begun.elapsed();
    });
    Figures {
        resident_kib_before,
        resident_kib_at_most,
        resident_kib_after: world.service.resident_kib(),
        connected_after,
        all_taken_after,
        customers_created_meanwhile: waits.len(),
        median_wait: waits[waits.len() / 2],
        longest_wait: waits[waits.len() - 1],
    }
}

#[test]
fn connections_that_are_held_are_taken_in_time_and_others_are_served_meanwhile() {
    let world = World::start(DatabaseKind::Sqlite);
    // That nobody waits long for a client who reads no answer is tested beside the code which waits.
    let figures = hold(&world, &[Hold::Idle, Hold::Headers, Hold::LaterHeaders, Hold::Body], 50, PATIENCE);
    assert!(figures.resident_kib_at_most < figures.resident_kib_before + 64 * 1024, "{figures:?}");
}

#[test]
fn requests_without_end_whose_answers_nobody_reads_take_little_memory() {
    let world = World::start(DatabaseKind::Sqlite);
    let before = world.service.resident_kib();
    let waits = meanwhile(&world, || {
        let mut held: Vec<TcpStream> = (0..30).map(|_| Hold::Unread.begin(&world)).collect();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(4) {
            assert!(held.iter_mut().all(|connection| Hold::Unread.go_on(connection)));
            thread::sleep(Duration::from_millis(50));
        }
    });
    let after = world.service.resident_kib();
    assert!(after < before + 48 * 1024, "{before} KiB, then {after} KiB");
    assert!(!waits.is_empty(), "others were served meanwhile");
}

#[test]
fn more_connections_are_held_than_a_process_may_have_at_first() {
    let directory = tempfile::tempdir().unwrap();
    let limited = directory.path().join("limited");
    let script = format!("#!/bin/sh\nulimit -S -n 100\nexec {} \"$@\"\n", binary().display());
    std::fs::write(&limited, script).unwrap();
    std::fs::set_permissions(&limited, std::fs::Permissions::from_mode(0o755)).unwrap();
    let service = Service::start(&limited, &["serve"], &[]);
    let address = service.url("").trim_start_matches("http://").to_owned();
    let held: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let begun = Instant::now();
    assert_eq!(service.client().get("/healthz").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody had to be cut off first");
    drop(held);
}

#[test]
#[ignore = "10,000 connections; run it by itself on a release build"]
fn ten_thousand_connections_of_each_kind_leave_room_for_others() {
    for way in Hold::ALL {
        let world = World::deployed(DatabaseKind::Sqlite, &[("CUSTOMERS_LOG", "error")]);
        // Those who ask and do not read make the service work, which is a flood and not a matter of holding.
        let each = if matches!(way, Hold::Unread) { 200 } else { 10_000 };
        let figures = hold(&world, &[way], each, Duration::from_mins(2));
        println!("{way:?}: {figures:#?}");
    }
}
