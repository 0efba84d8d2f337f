//! A receiver takes what is sent to it and behaves as it is told.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail like the tests themselves")]

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic;
use std::thread;
use std::time::Duration;

use serde_json::json;
use test_support::{Answer, Answering, Http, Received, TestReceiver};

const BOUND: Duration = Duration::from_secs(10);

fn post(receiver: &TestReceiver, id: &str) -> Answer {
    Http::new(&receiver.origin()).send("POST", "/hook?a=b", &[("Webhook-Id", id)], r#"{"a":1}"#)
}

/// Sends a request by hand, and leaves its answer to be read.
fn send(receiver: &TestReceiver, id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(receiver.address()).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    write!(stream, "POST /hook HTTP/1.1\r\nwebhook-id: {id}\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
    stream
}

fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn statuses(receiver: &TestReceiver) -> Vec<Option<u16>> {
    receiver.requests().iter().map(|request| request.status).collect()
}

#[test]
fn a_request_is_kept_as_it_came() {
    let receiver = TestReceiver::start();
    assert_eq!(receiver.url(), format!("http://{}/hook", receiver.address()));
    assert_eq!(post(&receiver, "evt_1").status, 200);
    receiver.until_count(1, BOUND);
    let request = receiver.requests().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook?a=b"));
    assert_eq!((request.id(), request.header("webhook-id")), ("evt_1", Some("evt_1")));
    assert_eq!((request.json(), request.status), (json!({"a": 1}), Some(200)));
}

#[test]
fn each_try_of_an_id_is_answered_as_a_function_says() {
    let receiver = TestReceiver::start();
    receiver.answer_by(|request, tries| match (request.id(), tries) {
        ("evt_1", 1 | 2) => Answering::Status(500),
        _ => Answering::Status(204),
    });
    let got = ["evt_1", "evt_2", "evt_1", "evt_1"].map(|id| post(&receiver, id).status);
    assert_eq!(got, [500, 204, 500, 204]);
    let accepted: Vec<_> = receiver.accepted().iter().map(|request| request.id().to_owned()).collect();
    assert_eq!((accepted, receiver.accepted_count()), (vec!["evt_2".to_owned(), "evt_1".to_owned()], 2));
    receiver.forget();
    assert_eq!((receiver.count(), receiver.accepted_count()), (0, 0));
}

#[test]
fn an_answer_has_the_headers_the_body_or_the_address_that_it_was_told() {
    let receiver = TestReceiver::start();
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    receiver.answer(Answering::StatusWith { status: 503, headers, body: "later".to_owned() });
    let answer = post(&receiver, "evt_1");
    assert_eq!((answer.status, answer.header("retry-after"), answer.text.as_str()), (503, Some("7"), "later"));
    receiver.answer(Answering::Redirect("http://127.0.0.1:1/".to_owned()));
    let answer = post(&receiver, "evt_1");
    assert_eq!((answer.status, answer.header("location")), (307, Some("http://127.0.0.1:1/")));
    receiver.answer(Answering::HugeBody { status: 200, bytes: 300_000 });
    assert_eq!(post(&receiver, "evt_1").text.len(), 300_000);
}

#[test]
fn what_hangs_is_answered_when_the_receiver_is_told_so_unless_its_client_has_gone() {
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Hang);
    let gone = send(&receiver, "evt_1");
    receiver.until_count(1, BOUND);
    let mut patient = send(&receiver, "evt_2");
    receiver.until_count(2, BOUND);
    drop(gone);
    receiver.answer(Answering::Status(200));
    assert!(read(&mut patient, 12).ends_with(" 200"));
    assert_eq!(statuses(&receiver), [None, Some(200)]);
}

#[test]
fn what_hangs_is_closed_when_the_receiver_is_dropped() {
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Hang);
    let mut stream = send(&receiver, "evt_1");
    receiver.until_count(1, BOUND);
    drop(receiver);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_reset_is_one() {
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Reset);
    let error = send(&receiver, "evt_1").read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(statuses(&receiver), [None]);
}

#[test]
fn a_slow_body_comes_after_its_head_bit_by_bit() {
    let receiver = TestReceiver::start();
    receiver.answer(Answering::SlowBody { status: 200 });
    let mut stream = send(&receiver, "evt_1");
    let mut said = String::new();
    while !said.ends_with("\r\n\r\n..") {
        said.push_str(&read(&mut stream, 1));
    }
    receiver.answer(Answering::Status(200));
    assert_eq!(stream.read_to_string(&mut said).unwrap(), 0, "it ends when the receiver is told something else");
}

#[test]
fn a_receiver_goes_down_and_comes_up_on_one_port() {
    let receiver = TestReceiver::start();
    receiver.answer(Answering::Hang);
    let mut open = send(&receiver, "evt_1");
    receiver.until_count(1, BOUND);
    for _ in 0..3 {
        receiver.down();
        assert_eq!(open.read(&mut [0]).unwrap(), 0);
        assert_eq!(TcpStream::connect(receiver.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        receiver.up();
        receiver.answer(Answering::Status(200));
        assert_eq!(post(&receiver, "evt_1").status, 200);
        receiver.answer(Answering::Hang);
        let before = receiver.count();
        open = send(&receiver, "evt_2");
        receiver.until_count(before + 1, BOUND);
    }
}

#[test]
fn waiting_in_vain_is_told_with_what_came() {
    let receiver = TestReceiver::start();
    post(&receiver, "evt_1");
    let waiting = || receiver.until("a miracle", Duration::from_millis(10), |requests| requests.len() > 1);
    let message = panic::catch_unwind(panic::AssertUnwindSafe(waiting)).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("a miracle") && message.contains("evt_1: 200"), "{message}");
}

#[test]
fn many_connections_are_kept_alive_at_once() {
    let receiver = TestReceiver::counting();
    thread::scope(|scope| {
        for connection in 0..64 {
            let receiver = &receiver;
            scope.spawn(move || {
                let mut stream = TcpStream::connect(receiver.address()).unwrap();
                stream.set_nodelay(true).unwrap();
                for number in 0..100 {
                    let body = r#"{"type":"verification"}"#;
                    let id = format!("evt_{connection}_{number}");
                    let head = format!("POST /hook HTTP/1.1\r\nwebhook-id: {id}\r\ncontent-length: {}", body.len());
                    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
                    let expected = "HTTP/1.1 200 -\r\ncontent-length: 0\r\n\r\n";
                    assert_eq!(read(&mut stream, expected.len()), expected);
                }
            });
        }
    });
    receiver.until_accepted(6_400, BOUND);
    let requests = receiver.requests();
    assert_eq!(requests.iter().map(|request| request.connection).collect::<HashSet<_>>().len(), 64);
    assert_eq!(requests.iter().map(Received::id).collect::<HashSet<_>>().len(), 6_400);
    assert!(requests.iter().all(|request| request.body.is_empty()), "bodies are not kept");
}

#[test]
fn a_chunked_request_is_read_whole() {
    let receiver = TestReceiver::start();
    let mut stream = TcpStream::connect(receiver.address()).unwrap();
    stream.write_all(b"PUT /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").unwrap();
    receiver.until("the request", BOUND, |requests| requests.iter().any(|request| request.body == "abcde"));
}
