//! A stream of events is read event by event, as far as it is asked for.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail like the tests themselves")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use test_support::{Answering, EventStream, Http, SseEvent, TestReceiver};

const BOUND: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(50);

/// A server of one connection, which is given the stream after it has read the head, and gives the head.
fn serve(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> (Http, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = Http::new(&format!("http://{}", listener.local_addr().unwrap())).with_key("secret");
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head = lines.take_while(|line| !line.is_empty()).collect();
        answer(&mut stream);
        head
    });
    (http, server)
}

fn begin(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
}

fn chunk(stream: &mut TcpStream, text: &str) {
    write!(stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
}

fn event(id: &str, event: &str, data: &str) -> SseEvent {
    SseEvent { id: Some(id.to_owned()), event: Some(event.to_owned()), data: data.to_owned() }
}

#[test]
fn events_come_one_by_one_and_heartbeats_are_counted() {
    let (http, server) = serve(|stream| {
        begin(stream);
        chunk(stream, ": hello\n\nid: evt_1\nevent: verification\nda");
        chunk(stream, "ta: {\"a\":\ndata: \"é\"}\n\n:\n\nid:evt_2\r\nevent:ping\r\ndata:x\r\n\r\nid: evt_3\n");
        chunk(stream, "");
    });
    let mut events = EventStream::open(&http, "/v1/events/stream", &[("Last-Event-ID", "evt_0")]).unwrap();
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let first = events.next(BOUND).unwrap();
    assert_eq!(first, event("evt_1", "verification", "{\"a\":\n\"é\"}"));
    assert_eq!(first.json()["a"], "é");
    assert_eq!(events.take(1, BOUND), [event("evt_2", "ping", "x")]);
    assert_eq!(events.until_ended(BOUND), [], "an event that is not ended is none");
    assert!(events.ended_in_full());
    assert_eq!(events.heartbeats(), 2);
    let head = server.join().unwrap();
    assert_eq!(head[0], "GET /v1/events/stream HTTP/1.1");
    for line in ["accept: text/event-stream", "authorization: Bearer secret", "Last-Event-ID: evt_0"] {
        assert!(head.contains(&line.to_owned()), "{head:?}");
    }
}

#[test]
fn a_silent_stream_gives_nothing_and_a_cut_one_ends() {
    let (cut, wait) = std::sync::mpsc::channel::<()>();
    let (http, server) = serve(move |stream| {
        begin(stream);
        chunk(stream, "id: evt_1\ndata: half");
        let _ = wait.recv();
    });
    let mut events = EventStream::open(&http, "/", &[]).unwrap();
    assert_eq!(events.next(SHORT), None);
    assert!(!events.ended());
    drop(cut);
    server.join().unwrap();
    assert_eq!(events.until_ended(BOUND), []);
    assert!(!events.ended_in_full());
}

#[test]
fn another_status_is_a_whole_answer() {
    let receiver = TestReceiver::start();
    let headers = vec![("retry-after".to_owned(), "7".to_owned())];
    receiver.answer(Answering::StatusWith { status: 429, headers, body: "{\"code\":\"x\"}".to_owned() });
    let answer = EventStream::open(&Http::new(&receiver.origin()), "/", &[]).unwrap_err();
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    assert_eq!(answer.json()["code"], "x");
}
