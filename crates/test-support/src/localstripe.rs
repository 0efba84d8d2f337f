//! A Stripe of a test's own.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Http;

/// How long it may take to be ready.
const START: Duration = Duration::from_mins(1);

/// A running localstripe, which speaks as Stripe's API does and keeps everything in memory. Dropped, it is gone; it ends
/// with the test, however that ends, since its input closes then.
///
/// It needs `TEST_LOCALSTRIPE_PYTHON`, which `scripts/with-tools` sets.
#[derive(Debug)]
pub struct Localstripe {
    process: Child,
    url: String,
    directory: TempDir,
}

impl Localstripe {
    /// A secret key that it takes.
    pub const SECRET_KEY: &str = "sk_test_12345";
    /// A publishable key that it takes.
    pub const PUBLISHABLE_KEY: &str = "pk_test_12345";

    /// Starts one, on a free port.
    pub fn start() -> Self {
        let python = env::var_os("TEST_LOCALSTRIPE_PYTHON").expect(
            "TEST_LOCALSTRIPE_PYTHON names no Python that has localstripe: run the tests with scripts/with-tools",
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser/support/serve-localstripe.py");
        let directory = TempDir::new().expect("a test needs a temporary directory");
        let mut command = Command::new(python);
        command.arg(script).arg(directory.path().join("log")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("that Python runs");
        let output = process.stdout.take().expect("its output is a pipe");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(output).read_line(&mut line);
            let _ = tell.send(line);
        });
        let line = told.recv_timeout(START).expect("localstripe starts in time");
        let url = line.trim().strip_prefix("listening on ");
        let url = url.expect("localstripe says where it is: its complaint is above").to_owned();
        Self { process, url, directory }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address and port of it.
    pub fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("a URL of an address and a port")
    }

    /// The settings of a service that takes it for Stripe.
    pub fn settings(&self) -> [(&'static str, String); 4] {
        [
            ("CUSTOMERS_STRIPE_SECRET_KEY", Self::SECRET_KEY.to_owned()),
            ("CUSTOMERS_STRIPE_PUBLISHABLE_KEY", Self::PUBLISHABLE_KEY.to_owned()),
            ("CUSTOMERS_STRIPE_API_URL", self.url.clone()),
            ("CUSTOMERS_STRIPE_JS_URL", format!("{}/js.stripe.com/v3/", self.url)),
        ]
    }

    /// The requests that it was sent: method, path and status, a line each.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// What its API answers a `GET` of this path.
    pub fn get(&self, path: &str) -> Value {
        let answer = Http::new(&self.url).with_key(Self::SECRET_KEY).get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// How many cards a customer has there.
    pub fn cards_of(&self, customer: &str) -> usize {
        let cards = self.get(&format!("/v1/payment_methods?customer={customer}&type=card"));
        cards["data"].as_array().expect("a list").len()
    }

    /// Enters a card as a browser does, by the secret of a setup. Answers the status: 402 for a card that is declined.
    pub fn enter(&self, client_secret: &str, number: &str) -> u16 {
        let card = json!({"number": number, "exp_month": "11", "exp_year": "2034", "cvc": "123"});
        self.confirm(client_secret, &json!({"payment_method_data": {"type": "card", "card": card}}))
    }

    /// Answers the bank's question as a browser does, by the secret of a setup.
    pub fn authenticate(&self, client_secret: &str) -> u16 {
        self.confirm(client_secret, &json!({}))
    }

    fn confirm(&self, client_secret: &str, more: &Value) -> u16 {
        let mut body = json!({"key": Self::PUBLISHABLE_KEY, "use_stripe_sdk": true, "client_secret": client_secret});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let setup = client_secret.split("_secret").next().unwrap_or_default();
        Http::new(&self.url).post(&format!("/v1/setup_intents/{setup}/confirm"), &body).status
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
