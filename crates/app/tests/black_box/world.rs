//! A running service on a database of its own, with a key to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Answer, DatabaseKind, Http, Output, Service, TestDatabase};

/// The secret key of these tests: any 32 bytes.
pub(crate) const SECRET_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Another one.
pub(crate) const OTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// How often a condition that nobody tells of is looked at: the machine is needed for what makes it true.
const GLANCE: Duration = Duration::from_millis(20);

/// The binary under test: the one that was built with the tests, or where it counts how fast it is, what `TEST_BINARY` names.
pub(crate) fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        std::env::var_os("TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_customers").into(), PathBuf::from)
    });
    &BINARY
}

/// A running service on a database of its own.
pub(crate) struct World {
    settings: Vec<(String, String)>,
    directory: TempDir,
    pub(crate) service: Service,
    /// A client with a key that may write.
    pub(crate) http: Http,
    pub(crate) key: String,
    // Last, so that the service has ended before its database goes.
    pub(crate) database: TestDatabase,
}

impl World {
    /// `customers serve --dev` on an empty database, with settings over the defaults.
    pub(crate) fn with(kind: DatabaseKind, settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::empty(kind);
        let url = database.url().to_owned();
        Self::on(database, &url, settings)
    }

    pub(crate) fn start(kind: DatabaseKind) -> Self {
        Self::with(kind, &[])
    }

    /// The same on a database that is reached at another URL.
    pub(crate) fn on(database: TestDatabase, url: &str, settings: &[(&str, &str)]) -> Self {
        Self::serve(&["serve", "--dev"], database, url, settings)
    }

    /// `customers serve`, as it is deployed.
    pub(crate) fn deployed(kind: DatabaseKind, settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::empty(kind);
        let url = database.url().to_owned();
        let mut all = vec![("CUSTOMERS_LISTEN", "127.0.0.1:0")];
        all.extend_from_slice(settings);
        Self::serve(&["serve"], database, &url, &all)
    }

    fn serve(command: &[&str], database: TestDatabase, url: &str, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("CUSTOMERS_DATABASE_URL", url), ("CUSTOMERS_SECRET_KEY", SECRET_KEY)];
        all.extend_from_slice(settings);
        let directory = TempDir::new().expect("a temporary directory");
        let service = Service::start_in(directory.path(), binary(), command, &all);
        let settings = all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let key = run(&all, directory.path(), &["keys", "create", "--name", "test"]).stdout.trim().to_owned();
        let http = service.client().with_key(&key);
        Self { settings, directory, service, http, key, database }
    }

    /// Starts the service again after it has ended.
    pub(crate) fn start_again(&mut self) {
        self.service = self.another();
        self.http = self.service.client().with_key(&self.key);
    }

    /// Changes the secret key that the next start is given, and says what it was before.
    pub(crate) fn rotate_secret(&mut self, key: &str) {
        self.settings.retain(|(name, _)| name != "CUSTOMERS_SECRET_KEY");
        self.settings.push(("CUSTOMERS_SECRET_KEY".to_owned(), key.to_owned()));
        self.settings.push(("CUSTOMERS_SECRET_KEY_PREVIOUS".to_owned(), SECRET_KEY.to_owned()));
    }

    /// Drops the secret key before the last change of it from the next start's settings.
    pub(crate) fn forget_previous_secret(&mut self) {
        self.settings.retain(|(name, _)| name != "CUSTOMERS_SECRET_KEY_PREVIOUS");
    }

    /// Another process on the same database.
    pub(crate) fn another(&self) -> Service {
        Service::start_in(self.directory.path(), binary(), &["serve", "--dev"], &self.settings())
    }

    /// Runs a command of the binary on the same database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(&self.settings(), self.directory.path(), arguments)
    }

    /// The same with a command that may fail.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Output {
        Service::run(binary(), arguments, &self.settings(), Some(self.directory.path()))
    }

    /// The same with a command that reads its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.directory.path()).envs(self.settings());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// A client whose key has this scope.
    pub(crate) fn client_with_scope(&self, scope: &str) -> Http {
        let output = self.run(&["keys", "create", "--name", scope, "--scope", scope]);
        self.http.with_key(output.stdout.trim())
    }

    /// Creates an unconfirmed customer with a number of his own.
    pub(crate) fn create(&self) -> Value {
        let answer = self.http.post("/v1/customers", &new_customer(&number()));
        assert_eq!(answer.status, 201, "{answer:?}\n{}", self.service.logs());
        answer.json()
    }

    /// Creates a customer with a number of his own and confirms it.
    pub(crate) fn confirmed(&self) -> Value {
        let customer = self.create();
        let answer = self.confirm(&customer);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Confirms with the token that an answer showed.
    pub(crate) fn confirm(&self, customer: &Value) -> Answer {
        self.confirm_with(customer, token_of(customer))
    }

    pub(crate) fn confirm_with(&self, customer: &Value, token: &str) -> Answer {
        self.http.post(&format!("{}/confirm", path_of(customer)), &json!({"confirmation_token": token}))
    }

    /// Asks for the proof of another number.
    pub(crate) fn change_number(&self, customer: &Value, number: &str) -> Answer {
        self.http.post(&format!("{}/phone_number", path_of(customer)), &new_customer(number))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.http.send("DELETE", path, &[], "")
    }

    /// Makes an endpoint that takes all events, and returns its path.
    pub(crate) fn endpoint(&self, url: &str) -> String {
        let types = ["verification", "customer.updated", "customer.erased"];
        let answer = self.http.post("/v1/webhook_endpoints", &json!({"url": url, "event_types": types}));
        assert_eq!(answer.status, 201, "{answer:?}");
        format!("/v1/webhook_endpoints/{}", answer.json()["id"].as_str().unwrap())
    }

    /// All events, read page by page.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.events_at("/v1/events?limit=100".to_owned())
    }

    /// One customer's, in which no number is missing: his events are counted from 1.
    pub(crate) fn events_of(&self, customer: &Value) -> Vec<Value> {
        let events = self.events_at(format!("/v1/events?limit=100&customer_id={}", customer["id"].as_str().unwrap()));
        let sequences: Vec<i64> = events.iter().map(|event| event["data"]["sequence"].as_i64().unwrap()).collect();
        assert_eq!(sequences, (1..).take(events.len()).collect::<Vec<i64>>(), "{events:?}");
        events
    }

    fn events_at(&self, mut path: String) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let answer = self.http.get(&path);
            assert_eq!(answer.status, 200, "{answer:?}");
            events.extend(answer.json().as_array().unwrap().clone());
            match next_page(&answer) {
                Some(next) => path = next,
                None => return events,
            }
        }
    }

    /// Waits until the log says something: what a request logs may come after its answer.
    pub(crate) fn until_logged(&self, what: &str, says: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !says(&self.service.logs()) {
            assert!(Instant::now() < deadline, "{what} is not in the log:\n{}", self.service.logs());
            thread::sleep(GLANCE);
        }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

fn run(settings: &[(&str, &str)], directory: &Path, arguments: &[&str]) -> Output {
    let output = Service::run(binary(), arguments, settings, Some(directory));
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output
}

/// Waits until something that only asking tells is so, and returns it.
pub(crate) fn until<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {bound:?}");
        thread::sleep(GLANCE);
    }
}

/// Does the same on as many threads, all of which begin at once; each is told which one it is.
pub(crate) fn at_once<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (start, work) = (&Barrier::new(n), &work);
    thread::scope(|scope| {
        let begin = |which| {
            scope.spawn(move || {
                start.wait();
                work(which)
            })
        };
        let threads: Vec<_> = (0..n).map(begin).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Posts a JSON body under an idempotency key.
pub(crate) fn post_once(http: &Http, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    http.send("POST", path, &headers, body.to_string())
}

/// Whether it was answered before.
pub(crate) fn is_replayed(answer: &Answer) -> bool {
    let replayed = answer.header("idempotency-replayed");
    assert!(matches!(replayed, None | Some("true")), "{answer:?}");
    replayed.is_some()
}

/// The path in `Link: <…>; rel="next"`.
pub(crate) fn next_page(answer: &Answer) -> Option<String> {
    let path = answer.header("link")?.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(path.to_owned())
}

/// A Canadian number that no other call gives: there are millions, since some tests create for as long as they are let.
pub(crate) fn number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(5_810_000);
    format!("+1418{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The body that creates a customer with this number.
pub(crate) fn new_customer(number: &str) -> Value {
    json!({"unconfirmed_phone_number": number, "country_code": "CA"})
}

/// The path of a customer.
pub(crate) fn path_of(customer: &Value) -> String {
    format!("/v1/customers/{}", customer["id"].as_str().unwrap())
}

/// The token of an unconfirmed customer.
pub(crate) fn token_of(customer: &Value) -> &str {
    customer["confirmation_token"].as_str().unwrap()
}

/// A token that is not this one.
pub(crate) fn other_token(token: &str) -> String {
    let number: u32 = token.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
