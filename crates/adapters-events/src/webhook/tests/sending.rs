//! What is sent, and what is made of the answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Repeat, TimeDelta};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::timeout;

use super::*;

fn answer(status_line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status_line}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn the_status_is_the_outcome_whatever_it_is() {
    for code in [200, 201, 204, 299, 301, 308, 400, 410, 429, 500, 503] {
        let receiver = Receiver::start(Play::Answer(answer(&format!("{code} Said"), "", ""))).await;
        assert_eq!(send(&client(), receiver.url()).await, status(code));
    }
}

// The signatures were computed apart from this code, by Python's hmac.
#[tokio::test]
async fn the_request_bears_these_headers_and_the_events_own_bytes() {
    let mut receiver = Receiver::accepting().await;
    let mut message = message(receiver.url());
    message.secrets.push(secret(2));
    let body = message.event.payload.clone();
    assert!(client().send(message).await.tried.is_accepted());

    let request = receiver.request().await;
    assert_eq!(request.line, "POST /events?x=1 HTTP/1.1");
    assert_eq!(request.body, body);
    let expected = [
        ("ce-id", "evt_00000000000000000000000000e00001"),
        ("ce-source", "https://customers.example"),
        ("ce-specversion", "1.0"),
        ("ce-subject", "00000000-0000-0000-0000-000000c00001"),
        ("ce-time", "2026-11-25T17:05:00.042Z"),
        ("ce-type", "verification"),
        ("content-length", &body.len().to_string()),
        ("content-type", "application/json"),
        ("host", &receiver.address.to_string()),
        ("user-agent", concat!("customers/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", "evt_00000000000000000000000000e00001"),
        (
            "webhook-signature",
            "v1,mDJ8c5h97zEZ8i4/cpjmCqexY9sowatTBrhCcYp//yE= v1,4PJtAL/YNHBhcnluLPW7rowyC6AnMlpbaa+55yri2yA=",
        ),
        ("webhook-timestamp", "1795626300"),
    ];
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn a_repeat_is_marked_and_an_event_about_nobody_has_no_subject() {
    let mut receiver = Receiver::accepting().await;
    for repeat in Repeat::ALL {
        let mut message = message(receiver.url());
        message.repeat = Some(repeat);
        message.event.customer_id = None;
        client().send(message).await;
        let headers = receiver.request().await.headers;
        assert_eq!(headers["customers-repeat"], repeat.as_str());
        assert!(!headers.contains_key("ce-subject"));
    }
}

#[tokio::test]
async fn signatures_and_attributes_are_what_independent_implementations_expect() {
    let mut receiver = Receiver::accepting().await;
    let networks = AllowedNetworks::loopback();
    let source = "https://customers.example/a \"b\" 100% ünique";
    let client =
        WebhookClient::with(source.to_owned(), networks, RootCertStore::empty(), system_lookup(), Limits::default());
    let mut message = message(receiver.url());
    message.secrets.push(secret(2));
    #[expect(clippy::disallowed_methods, reason = "the judge refuses a signature that is older than five minutes")]
    let now = std::time::SystemTime::now();
    message.now = now.into();
    let payload = message.event.payload.clone();
    assert!(client.unwrap().send(message).await.tried.is_accepted());

    let request = receiver.request().await;
    let secrets = [1, 2].map(|byte| format!("whsec_{}", STANDARD.encode([byte; 32])));
    let captured = json!({"headers": request.headers, "body": request.body, "secrets": secrets});
    let judged =
        tokio::task::spawn_blocking(move || crate::testing::judged("webhook.py", captured.to_string().as_bytes()));
    let expected = json!({
        "attributes": {
            "specversion": "1.0",
            "id": "evt_00000000000000000000000000e00001",
            "source": source,
            "type": "verification",
            "time": "2026-11-25T17:05:00.042+00:00",
            "subject": "00000000-0000-0000-0000-000000c00001",
            "datacontenttype": "application/json",
        },
        "data": serde_json::from_str::<serde_json::Value>(&payload).unwrap(),
    });
    assert_eq!(judged.await.unwrap(), expected);
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up_and_its_connection_closed() {
    let mut receiver = Receiver::start(Play::Stall(Vec::new())).await;
    let client = client_with(AllowedNetworks::loopback(), system_lookup(), impatient());
    let tried = client.send(message(receiver.url())).await.tried;
    assert_eq!(tried.error.as_deref(), Some("no answer within 0.2 seconds"));
    assert!(tried.duration >= TimeDelta::milliseconds(200), "{}", tried.duration);
    receiver.ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_ends_early_is_told_from_one_that_is_refused() {
    let closed = error("the connection was closed before an answer");
    for play in [Play::Reset, Play::AnswerOnce(Vec::new()), Play::AnswerOnce(b"HTTP/1.1 200".to_vec())] {
        let receiver = Receiver::start(play).await;
        assert_eq!(send(&client(), receiver.url()).await, closed);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(send(&client(), format!("http://{nobody}/")).await, error("the connection was refused"));
}

#[tokio::test]
async fn a_receiver_that_takes_no_connection_is_waited_for_in_bounds() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // With its queue full, the system answers no further connection.
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
        queued.push(stream);
    }
    let limits = Limits { connecting: Duration::from_millis(100), ..Limits::default() };
    let client = client_with(AllowedNetworks::loopback(), system_lookup(), limits);
    assert_eq!(send(&client, format!("http://{address}/")).await, error("no connection within 0.1 seconds"));
}

#[tokio::test]
async fn what_is_no_http_is_no_answer() {
    let no_answer = error("the answer is not HTTP, or its headers are too large");
    for bytes in ["SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(70_000))] {
        let receiver = Receiver::start(Play::Stall(bytes.into_bytes())).await;
        assert_eq!(send(&client(), receiver.url()).await, no_answer);
    }
}

#[tokio::test]
async fn a_slow_body_does_not_change_the_outcome() {
    let mut receiver =
        Receiver::start(Play::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegun".to_vec())).await;
    let limits = Limits { body: Duration::from_millis(50), ..Limits::default() };
    let client = client_with(AllowedNetworks::loopback(), system_lookup(), limits);
    let outcome = send(&client, receiver.url()).await;
    assert_eq!(outcome, Outcome { status: Some(200), answer: Some("begun".to_owned()), error: None });
    receiver.ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_large_body_is_cut_and_its_connection_closed() {
    let body = "x".repeat(1_000_000);
    let mut receiver = Receiver::start(Play::Answer(answer("500 No", "", &body))).await;
    let client = client();
    let outcome = send(&client, receiver.url()).await;
    assert_eq!(outcome, Outcome { status: Some(500), answer: Some("x".repeat(1024)), error: None });
    receiver.ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_others() {
    let elsewhere = Receiver::accepting().await;
    let location = format!("location: {}\r\n", elsewhere.url());
    let receiver = Receiver::start(Play::Answer(answer("307 Temporary Redirect", &location, ""))).await;
    assert_eq!(send(&client(), receiver.url()).await, status(307));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn retry_after_is_passed_on() {
    for (value, wait) in [("17", 17), ("Wed, 25 Nov 2026 17:06:00 GMT", 59)] {
        let headers = format!("retry-after: {value}\r\n");
        let receiver = Receiver::start(Play::Answer(answer("503 Busy", &headers, ""))).await;
        let reply = client().send(message(receiver.url())).await;
        assert_eq!(reply.retry_after.unwrap().num_seconds(), wait);
    }
    assert_eq!(client().send(message(Receiver::accepting().await.url())).await.retry_after, None);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Receiver::start(Play::Answer(answer("200 OK", "", "thanks"))).await;
    let client = client();
    for _ in 0..20 {
        assert_eq!(send(&client, receiver.url()).await.status, Some(200));
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_idle_fails_nothing() {
    let mut receiver = Receiver::start(Play::AnswerOnce(answer("200 OK", "", ""))).await;
    let client = client();
    for _ in 0..20 {
        assert_eq!(send(&client, receiver.url()).await, status(200));
        receiver.ended.recv().await.unwrap();
    }
    assert_eq!(receiver.connections(), 20);
}

#[tokio::test]
async fn many_are_sent_at_once() {
    let receiver = Receiver::accepting().await;
    let client = client();
    let outcomes = join_all((0..64).map(|_| send(&client, receiver.url()))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == status(204)));
    assert!(receiver.connections() <= 64);
}

#[tokio::test]
async fn nothing_of_a_message_is_in_the_debug_form_of_the_client() {
    assert_eq!(format!("{:?}", client()), "WebhookClient { networks: AllowedNetworks([127.0.0.0/8, ::1/128]), .. }");
}
