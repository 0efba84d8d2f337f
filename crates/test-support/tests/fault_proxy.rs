//! The proxy passes on, is cut, stalls and mends.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail like the tests themselves")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use test_support::{FaultProxy, TestDatabase};

/// A server that says back what it hears, and ends with the test.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    address
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn says_back(stream: &mut TcpStream) -> bool {
    let mut heard = [0; 5];
    stream.write_all(b"hello").is_ok() && stream.read_exact(&mut heard).is_ok() && &heard == b"hello"
}

/// Closed by the other side, not merely silent.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_cut_closes_open_and_new_connections_until_mended() {
    let proxy = FaultProxy::before(echo());
    let (mut first, mut second) = (connect(&proxy), connect(&proxy));
    assert!(says_back(&mut first) && says_back(&mut second));

    proxy.cut();
    assert!(is_closed(&mut first) && is_closed(&mut second));
    assert!(is_closed(&mut connect(&proxy)));

    proxy.mend();
    assert!(says_back(&mut connect(&proxy)));
    assert!(!says_back(&mut first), "what was cut stays cut");
}

#[test]
fn a_stalled_proxy_holds_what_it_passes_on_when_mended() {
    let proxy = FaultProxy::before(echo());
    let mut old = connect(&proxy);
    assert!(says_back(&mut old));

    proxy.stall();
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        stream.write_all(b"held").unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let error = stream.read(&mut [0; 4]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    }

    proxy.mend();
    for stream in [&mut old, &mut new] {
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"held");
    }
}

#[test]
fn a_cut_ends_a_stall() {
    let proxy = FaultProxy::before(echo());
    let mut stream = connect(&proxy);
    assert!(says_back(&mut stream));
    proxy.stall();
    stream.write_all(b"held").unwrap();
    proxy.cut();
    assert!(is_closed(&mut stream));
}

#[test]
fn a_server_that_is_not_there_closes_the_connection() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = FaultProxy::before(gone);
    assert!(is_closed(&mut connect(&proxy)));
}

#[test]
fn a_dropped_proxy_has_closed_its_connections() {
    let proxy = FaultProxy::before(echo());
    let mut stream = connect(&proxy);
    assert!(says_back(&mut stream));
    drop(proxy);
    assert!(is_closed(&mut stream));
}

#[test]
fn a_database_is_reached_through_the_proxy_and_lost_with_it() {
    let database = TestDatabase::postgresql();
    let proxy = FaultProxy::before_database(database.url());
    let mut connection = PgConnection::establish(&proxy.url(database.url())).unwrap();
    diesel::sql_query("SELECT 1").execute(&mut connection).unwrap();
    proxy.cut();
    assert!(diesel::sql_query("SELECT 1").execute(&mut connection).is_err());
    assert!(PgConnection::establish(&proxy.url(database.url())).is_err());
    proxy.mend();
    assert!(PgConnection::establish(&proxy.url(database.url())).is_ok());
}
