//! What the log says of a request. What it never says of one is the business of `log_canary`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, Http, TestReceiver};

use crate::world::{World, binary, new_customer, number, path_of, token_of};

crate::on_both_databases!(
    a_request_is_one_line_with_its_id_and_key,
    a_request_that_is_given_up_is_a_line_too,
    an_event_is_one_line_that_says_who_and_not_what,
    the_log_holds_nothing_of_what_endpoints_are_told_and_say,
);

fn a_request_is_one_line_with_its_id_and_key(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG_FORMAT", "json")]);
    let path = path_of(&world.create());
    let answer = world.http.send("GET", &path, &[("X-Request-Id", "look-for-me")], "");
    assert_eq!(answer.status, 200);
    world.until_logged("the request", |logs| logs.contains("look-for-me"));
    let list = world.run(&["keys", "list"]).stdout;
    let key_id =
        list.lines().find(|line| line.ends_with("test")).unwrap().split_whitespace().next().unwrap().to_owned();
    let logs = world.service.logs();
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request = |line: &&Value| line["span"]["request_id"] == "look-for-me" && line["message"] == "request";
    let lines: Vec<&Value> = lines.iter().filter(of_request).collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/v1/customers/{customer_id}");
    assert_eq!(line["status"], 200);
    assert_eq!(line["key_id"], key_id);
    assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0));
}

#[test]
fn a_log_that_cannot_be_written_does_not_end_the_service() {
    let directory = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut service = Command::new(binary())
        .args(["serve", "--dev"])
        .current_dir(directory.path())
        .env("CUSTOMERS_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut stdout = BufReader::new(service.stdout.take().unwrap());
    while !printed.contains("/v1/customers\n") {
        assert!(stdout.read_line(&mut printed).unwrap() > 0, "it has ended: {printed}");
    }
    let origin = printed.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let key = printed.split_whitespace().find(|word| word.starts_with("ckey_")).unwrap();
    let http = Http::new(origin).with_key(key);
    for _ in 0..3 {
        assert_eq!(http.post("/v1/customers", &new_customer(&number())).status, 201);
    }
    service.kill().unwrap();
    service.wait().unwrap();
}

fn a_request_that_is_given_up_is_a_line_too(kind: DatabaseKind) {
    let world = World::start(kind);
    let mut connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: x\r\nX-Request-Id: given-up\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        world.key
    );
    connection.write_all(head.as_bytes()).unwrap();
    drop(connection);
    let told = |line: &str| line.contains("given-up") && line.contains("status=");
    world.until_logged("the request", |logs| logs.lines().any(told));
}

fn an_event_is_one_line_that_says_who_and_not_what(kind: DatabaseKind) {
    let world = World::with(kind, &[("CUSTOMERS_LOG_FORMAT", "json")]);
    let customer = world.create();
    let path = path_of(&customer);
    world.http.post(&format!("{path}/confirm"), &json!({"confirmation_token": token_of(&customer)}));
    world.create();
    let of_events = |logs: &str| -> Vec<Value> {
        let lines = logs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == "event").collect()
    };
    world.until_logged("three events", |logs| of_events(logs).len() >= 3);
    let (lines, events) = (of_events(&world.service.logs()), world.events());
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        assert_eq!((&line["event_id"], &line["event_type"]), (&event["id"], &event["type"]));
        assert_eq!(line["customer_id"], event["data"]["customer"]["id"]);
        assert_eq!((&line["status"], &line["level"]), (&event["data"]["status"], &json!("INFO")));
        let mut members: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(
            members,
            ["customer_id", "event_id", "event_type", "level", "message", "status", "target", "timestamp"]
        );
    }
}

fn the_log_holds_nothing_of_what_endpoints_are_told_and_say(kind: DatabaseKind) {
    let settings = [("CUSTOMERS_LOG", "trace"), ("CUSTOMERS_WEBHOOK_RETRY_SCHEDULE", "1ms")];
    let world = World::with(kind, &settings);
    let receiver = TestReceiver::start();
    receiver.answer_by(|_, tries| Answering::StatusWith {
        status: if tries == 1 { 500 } else { 200 },
        headers: vec![("x-said".to_owned(), "Canaryheader".to_owned())],
        body: "Canaryanswer".to_owned(),
    });
    let body = json!({
        "url": format!("{}/Canarypath?key=Canaryquery", receiver.url()), "event_types": ["verification"],
        "description": "Canarydescription",
    });
    let made = world.http.post("/v1/webhook_endpoints", &body).json();
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    let rotated = world.http.send("POST", &format!("{path}/rotate_secret"), &[], "").json();
    world.http.send("POST", &format!("{path}/test"), &[], "");
    let customer = world.create();
    let token = token_of(&customer);
    receiver.until_accepted(1, std::time::Duration::from_secs(15));
    // Wrong URLs are not told either, and neither is what cannot be reached.
    world.http.patch(&path, &json!({"url": "https://Canaryuser:Canarypassword@bot.example.com/"}));
    world.http.patch(&path, &json!({"url": "http://127.0.0.1:1/Canarypath?key=Canaryquery"}));
    world.http.send("POST", &format!("{path}/test"), &[], "");
    world.create();
    let event = world.events().pop().unwrap()["id"].as_str().unwrap().to_owned();
    world.until_logged("the try that failed", |logs| {
        logs.lines().any(|line| line.contains("a delivery was given up") && line.contains(&event))
    });
    let logs = world.service.logs();
    let secrets = [&made, &rotated].map(|endpoint| endpoint["secret"].as_str().unwrap().trim_start_matches("whsec_"));
    let signature = receiver.requests()[0].header("webhook-signature").unwrap().trim_start_matches("v1,").to_owned();
    for secret in [secrets[0], secrets[1], "whsec_", "Canary", "canary", token, &signature] {
        let line = logs.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
