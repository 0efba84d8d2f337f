//! The snippets of `docs/events.md`, run as they are printed on requests that the service has sent. The one in Rust is a
//! documentation test of `adapters-events`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{DatabaseKind, Http, Received, TestReceiver};

use crate::world::{World, path_of, token_of, until};

const DOCUMENT: &str = include_str!("../../../../docs/events.md");

/// What comes behind the snippet in Node: a request on standard input, and whether it is genuine on standard output.
const NODE: &str = "
const {body, headers, secret, now} = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
console.log(verify(Buffer.from(body), headers, secret, now ?? undefined));
";

const PYTHON: &str = "
import json, sys
request = json.load(sys.stdin)
now = request['now']
verdict = verify(request['body'].encode(), request['headers'], request['secret'], None if now is None else now / 1000)
print(str(verdict).lower())
";

/// The code blocks of a language, the one that verifies first.
fn snippets(language: &str) -> Vec<&'static str> {
    let opening = format!("\n```{language}\n");
    let blocks = DOCUMENT.split(&opening).skip(1);
    blocks.map(|block| block.split_once("\n```").expect("the snippet has an end").0).collect()
}

fn does_not_start(program: &str, error: &std::io::Error) -> ! {
    panic!("this test needs {program} on PATH, which does not start: {error}")
}

struct Verifier {
    program: &'static str,
    /// What makes the program take its text as an argument.
    option: &'static str,
    text: String,
}

impl Verifier {
    fn all() -> [Self; 2] {
        let text = |language, behind| format!("{}\n{behind}", snippets(language)[0]);
        [
            Self { program: "node", option: "-e", text: text("js", NODE) },
            Self { program: "python3", option: "-c", text: text("python", PYTHON) },
        ]
    }

    fn is_genuine(&self, body: &str, headers: &Value, secret: &str, now: Option<u64>) -> bool {
        let mut child = Command::new(self.program)
            .args([self.option, &self.text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| does_not_start(self.program, &error));
        let request = json!({"body": body, "headers": headers, "secret": secret, "now": now});
        child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        match String::from_utf8_lossy(&output.stdout).trim() {
            "true" => true,
            "false" => false,
            other => panic!("{}: {other:?} {output:?}", self.program),
        }
    }
}

fn headers_of(request: &Received) -> Value {
    let headers = request.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
    Value::Object(headers.collect())
}

#[test]
fn the_snippets_of_the_receivers_page_tell_genuine_requests_from_others() {
    let world = World::start(DatabaseKind::Sqlite);
    let receiver = TestReceiver::start();
    let body = json!({"url": receiver.url(), "event_types": ["verification"]});
    let endpoint = world.http.post("/v1/webhook_endpoints", &body).json();
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let rotated = world.http.send("POST", &format!("{path}/rotate_secret"), &[], "").json();
    let (old, new) = (endpoint["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    let name = json!({"unconfirmed_phone_number": "+14185810001", "country_code": "CA", "first_name": "Zoë 李"});
    assert_eq!(world.http.post("/v1/customers", &name).status, 201);
    let test = world.http.send("POST", &format!("{path}/test"), &[], "");
    assert_eq!(test.json()["accepted"], true, "{test:?}");
    receiver.until_accepted(2, Duration::from_secs(15));
    for request in receiver.requests() {
        let headers = headers_of(&request);
        let sent: u64 = request.header("webhook-timestamp").unwrap().parse().unwrap();
        for verifier in Verifier::all() {
            let is_genuine = |body: &str, headers: &Value, secret: &str, now: Option<u64>| {
                verifier.is_genuine(body, headers, secret, now.map(|seconds| seconds * 1000))
            };
            assert!(is_genuine(&request.body, &headers, old, None) || is_genuine(&request.body, &headers, new, None));
            if request.header("webhook-signature").unwrap().contains(' ') {
                assert!(is_genuine(&request.body, &headers, old, None), "the old secret during a rotation");
                assert!(is_genuine(&request.body, &headers, new, None), "the new one");
            }
            let stranger = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
            assert!(!is_genuine(&request.body, &headers, stranger, None), "another secret");
            assert!(!is_genuine(&request.body.replace("\"id\"", "\"ID\""), &headers, old, None), "another body");
            assert!(is_genuine(&request.body, &headers, old, Some(sent + 300)), "old enough");
            assert!(!is_genuine(&request.body, &headers, old, Some(sent + 301)), "too old");
            assert!(!is_genuine(&request.body, &headers, old, Some(sent - 301)), "from the future");
            for (name, value) in [
                ("webhook-signature", json!("")),
                ("webhook-signature", json!("v1,")),
                ("webhook-signature", json!("v1a,AAAA v1")),
                ("webhook-timestamp", json!("soon")),
                ("webhook-id", json!("evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e")),
            ] {
                let mut headers = headers.clone();
                headers[name] = value;
                assert!(!is_genuine(&request.body, &headers, old, None), "another {name}");
            }
            let nothing = json!({});
            assert!(!is_genuine(&request.body, &nothing, old, None), "no headers");
        }
    }
}

/// The receiver in Node, running.
struct Bot {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Bot {
    fn start(secret: &str) -> Self {
        let mut process = Command::new("node")
            .args(["-e", &snippets("js").join("\n")])
            .envs([("WEBHOOK_SECRET", secret), ("PORT", "0")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| does_not_start("node", &error));
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_receiver_of_the_receivers_page_takes_what_is_genuine_and_nothing_else() {
    let world = World::start(DatabaseKind::Sqlite);
    // Nothing is sent before it has the address of the receiver, which is not known before it has the secret.
    let body = json!({"url": "http://127.0.0.1:9/", "event_types": ["verification"]});
    let endpoint = world.http.post("/v1/webhook_endpoints", &body).json();
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let mut bot = Bot::start(endpoint["secret"].as_str().unwrap());
    let said = bot.line();
    let origin = format!("http://127.0.0.1:{}", said.strip_prefix("listening on ").expect(&said));
    assert_eq!(world.http.patch(&path, &json!({"url": origin})).status, 200);
    let tested = until("the receiver is reached", Duration::from_secs(15), || {
        let outcome = world.http.send("POST", &format!("{path}/test"), &[], "").json();
        (outcome["accepted"] == true).then_some(outcome)
    });
    assert_eq!(tested["status_code"], 204);

    let customer = world.create();
    let number = customer["unconfirmed_phone_number"].as_str().unwrap();
    assert_eq!(bot.line(), format!("to {number}: your code is {}", token_of(&customer)));
    let confirmation = json!({"confirmation_token": token_of(&customer)});
    assert_eq!(world.http.post(&format!("{}/confirm", path_of(&customer)), &confirmation).status, 200);
    assert_eq!(bot.line(), format!("to {number}: thank you"));

    // What it has seen it accepts and does not do again.
    let replayed = world.http.post(&format!("{path}/replay"), &json!({"since": "2000-01-01T00:00:00Z"}));
    assert_eq!(replayed.json(), json!({"queued": 2}));
    until("both are accepted again", Duration::from_secs(15), || {
        let accepted = world.http.get(&format!("{path}/deliveries?status=accepted")).json();
        (accepted.as_array().unwrap().len() == 4).then_some(())
    });
    let forged = Http::new(&origin).send("POST", "/", &[("webhook-id", "evt_1")], world.events()[0].to_string());
    assert_eq!(forged.status, 401);
    let another = world.create();
    assert!(bot.line().ends_with(token_of(&another)), "nothing was said in between");
}
