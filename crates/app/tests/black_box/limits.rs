//! Limits that guard the service: how often a key may call, and how many wrong keys come from one network.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use test_support::{Answer, DatabaseKind, Http};

use crate::errors::assert_problem;
use crate::world::World;

const LIST: &str = "/v1/webhook_endpoints";

/// What has the form of a key and is none.
fn wrong_key(n: u32) -> String {
    format!("ckey_{n:043}")
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[test]
fn a_key_that_has_used_up_its_limit_is_told_how_long_to_wait_and_nobody_else_waits() {
    let world = World::with(DatabaseKind::Sqlite, &[("CUSTOMERS_RATE_LIMIT", "30/m")]);
    let other = world.client_with_scope("read");
    let mut answers = (0..40).map(|_| world.http.get(LIST));
    let limited = answers.find(|answer| answer.status != 200).expect("30 a minute are not 40 at once");
    assert_problem(&limited, 429, "rate_limited", "the limit is used up");
    assert!((1..=2).contains(&retry_after(&limited)), "a request comes back every two seconds: {limited:?}");

    // It is told so before a byte of the body is waited for.
    let mut connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
    let head = "POST /v1/customers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n";
    connection.write_all(format!("{head}Authorization: Bearer {}\r\n\r\n", world.key).as_bytes()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut status = [0; 13];
    connection.read_exact(&mut status).unwrap();
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 429 ");

    assert_eq!(other.get(LIST).status, 200, "another key has a limit of its own");
    assert_eq!(world.http.get("/healthz").status, 200);
    assert_eq!(world.http.get("/l/abcdefGHIJ12").status, 404, "people's pages have another limit");
    assert_problem(&world.service.client().get(LIST), 401, "unauthorized", "there is no key");

    let limited = (0..40).map(|_| world.http.get(LIST)).find(|answer| answer.status == 429).unwrap();
    thread::sleep(Duration::from_secs(retry_after(&limited)));
    assert_eq!(world.http.get(LIST).status, 200, "who waits as long as he is told gets through");
}

#[test]
fn without_a_limit_a_key_calls_as_often_as_it_likes() {
    let world = World::with(DatabaseKind::Sqlite, &[("CUSTOMERS_RATE_LIMIT", "")]);
    assert!((0..300).all(|_| world.http.get(LIST).status == 200));
}

/// Presents wrong keys until one is answered otherwise than by 401; how many there were, and that answer.
fn guess(anonymous: &Http, forwarded: impl Fn(u32) -> String) -> (u32, Answer) {
    let mut answers = (1..200).map(|n| {
        let forwarded = forwarded(n);
        let headers = [("X-Forwarded-For", forwarded.as_str())];
        (n, anonymous.with_key(&wrong_key(n)).send("GET", LIST, &headers, ""))
    });
    answers.find(|(_, answer)| answer.status != 401).expect("guessing has an end")
}

#[test]
fn from_the_50th_wrong_key_a_minute_on_a_network_waits_and_a_key_that_works_does_not() {
    let world = World::start(DatabaseKind::Postgresql);
    let anonymous = world.service.client();
    let (guesses, slowed) = guess(&anonymous, |n| format!("192.0.2.{n}"));
    assert_eq!(guesses, 50, "nobody's word is taken for where he comes from");
    assert_problem(&slowed, 429, "rate_limited", "one wrong key came after another");
    assert!((1..=60).contains(&retry_after(&slowed)), "{slowed:?}");
    for (key, when) in [("ckey_x", "it has not the form of a key"), ("x", "it is none")] {
        assert_problem(&anonymous.with_key(key).get(LIST), 429, "rate_limited", when);
    }
    assert_problem(&anonymous.get(LIST), 429, "rate_limited", "there is no key");
    assert_eq!(world.http.get(LIST).status, 200);
    let new = world.client_with_scope("write");
    assert_eq!(new.get(LIST).status, 200, "nor one that is seen for the first time");
    // Many at once: those who guess are looked up one at a time, and whoever has a key waits for his turn only.
    thread::scope(|scope| {
        for n in 0..8 {
            let client = anonymous.with_key(&wrong_key(1_000 + n));
            scope.spawn(move || (0..25).for_each(|_| assert_eq!(client.get(LIST).status, 429)));
        }
        for _ in 0..5 {
            assert_eq!(world.client_with_scope("write").get(LIST).status, 200);
        }
    });
}

#[test]
fn a_trusted_proxy_says_from_which_network_a_wrong_key_comes() {
    let world = World::with(DatabaseKind::Sqlite, &[("CUSTOMERS_TRUSTED_PROXIES", "127.0.0.1")]);
    let anonymous = world.service.client();
    let (guesses, _) = guess(&anonymous, |n| format!("198.51.100.{n}, 192.0.2.{n}"));
    assert_eq!(guesses, 50, "a network is /24");
    let from = |http: &Http, address: &str| http.send("GET", LIST, &[("X-Forwarded-For", address)], "").status;
    assert_eq!(from(&anonymous, "192.0.2.255"), 429);
    assert_eq!(from(&anonymous, "192.0.3.1"), 401);
    assert_eq!(from(&anonymous, "198.51.100.1"), 401);
    assert_eq!(from(&world.http, "192.0.2.255"), 200);
}
