//! A process is started, waited for, signalled and asked, with a shell in the place of the real binary.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::panic;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;
use test_support::{Http, Service};

const SHELL: &str = "/bin/sh";
const BOUND: Duration = Duration::from_secs(10);

fn start(script: &str, settings: &[(&str, &str)]) -> Service {
    Service::start(Path::new(SHELL), &["-c", script], settings)
}

#[test]
fn a_service_has_an_address_logs_settings_and_a_directory_that_goes_with_it() {
    let service = start(
        "echo answer; pwd; echo \"$CUSTOMERS_LISTEN $CUSTOMERS_LOG\" >&2
         echo listening on http://127.0.0.1:4711 >&2; exec sleep 60",
        &[("CUSTOMERS_LOG", "debug")],
    );
    assert_eq!(service.url("/v1"), "http://127.0.0.1:4711/v1");
    assert!(service.logs().starts_with("127.0.0.1:0 debug\n"), "{}", service.logs());
    let directory = service.directory().to_owned();
    assert!(directory.is_dir());
    drop(service);
    assert!(!directory.exists());
}

#[test]
fn a_signal_reaches_it_and_its_end_is_seen() {
    let service = start("trap 'exit 3' TERM; echo listening on http://a:1 >&2; while :; do sleep 0.05; done", &[]);
    service.signal("TERM");
    assert_eq!(service.wait(BOUND).code(), Some(3));

    let service = start("echo listening on http://a:1 >&2; exec sleep 60", &[]);
    service.kill();
    assert_eq!(service.wait(BOUND).signal(), Some(9));
}

#[test]
fn a_service_that_ends_before_it_listens_is_told_with_its_output() {
    let message = panic::catch_unwind(|| start("echo said; echo complained >&2; exit 2", &[])).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.contains("said") && message.contains("complained"), "{message}");
}

#[test]
fn a_command_leaves_its_status_and_its_output() {
    let script = "echo \"$CUSTOMERS_NAME\"; cat; echo oops >&2; exit 4";
    let output = Service::run(Path::new(SHELL), &["-c", script], &[("CUSTOMERS_NAME", "x")], None);
    assert_eq!((output.status.code(), output.stdout.as_str(), output.stderr.as_str()), (Some(4), "x\n", "oops\n"));
}

#[test]
fn a_client_sends_its_key_and_reads_whole_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let body = b"{\"code\":\"moved\"}";
        write!(stream, "HTTP/1.1 303 See Other\r\nLocation: /b\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(body).unwrap();
        head
    });
    let answer = Http::new(&origin).with_key("secret").post("/a", &json!({}));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/b")), "redirects are not followed");
    assert_eq!(answer.json(), json!({ "code": "moved" }));
    let head = server.join().unwrap();
    assert_eq!(head[0], "POST /a HTTP/1.1");
    assert!(head.contains(&"authorization: Bearer secret".to_owned()), "{head:?}");
    assert!(head.contains(&"content-type: application/json".to_owned()), "{head:?}");
}
