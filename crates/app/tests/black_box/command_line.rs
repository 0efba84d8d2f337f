//! Commands, their answers and their exit codes.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::{Answering, DatabaseKind, Output, Service, TestDatabase, TestReceiver};

use crate::world::{OTHER_KEY, SECRET_KEY, World, binary, new_customer, number, token_of};

fn run(arguments: &[&str]) -> Output {
    Service::run(binary(), arguments, &[], None)
}

#[test]
fn help_teaches_and_unusable_arguments_exit_with_2() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for part in ["serve", "migrate", "keys", "CUSTOMERS_LISTEN", "[default: 5m]", "Exit codes", "serve --dev"] {
        assert!(help.stdout.contains(part), "{part} is not in {}", help.stdout);
    }
    let version = run(&["--version"]).stdout;
    assert!(version.starts_with("customers 0."), "{version}");
    assert!(version.trim_end().ends_with("(phone metadata 9.0.33)"), "{version}");
    for arguments in [
        &["serve", "--fast"][..],
        &[],
        &["keys"],
        &["keys", "create"],
        &["keys", "create", "--name", " "],
        &["keys", "create", "--name", "x", "--scope", "admin"],
        &["keys", "create", "--name", "x", "--expires-in", "soon"],
        &["keys", "revoke", "7"],
        &["events"],
        &["events", "list", "--after", "7"],
        &["events", "list", "--after", "evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"],
        &["events", "list", "--customer-id", "yogi"],
        &["events", "list", "--limit", "0"],
        &["events", "list", "--limit", "101"],
        &["endpoints"],
        &["endpoints", "create"],
        &["endpoints", "create", "--url", "bot.example.com"],
        &["endpoints", "create", "--url", "https://127.0.0.1/"],
        &["endpoints", "create", "--url", "https://bot.example.com/", "--event-type", "ping"],
        &["endpoints", "create", "--url", "https://bot.example.com/", "--description", "a\u{1b}[2Jb"],
        &["endpoints", "create", "--url", "https://bot.example.com/", "--description", " "],
        &["endpoints", "test"],
        &["endpoints", "test", "7"],
        &["endpoints", "test", "evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"],
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), output.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn a_key_is_printed_alone_and_its_file_and_database_are_made_for_their_owner() {
    let directory = tempfile::tempdir().unwrap();
    let output = Service::run(binary(), &["keys", "create", "--name", "first"], &[], Some(directory.path()));
    assert!(output.status.success(), "{output:?}");
    let key = output.stdout.strip_suffix('\n').unwrap();
    assert!(key.starts_with("ckey_") && !key.contains(char::is_whitespace), "{key}");
    let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("customers.db.key"), 0o600);
    assert_eq!(mode("customers.db"), 0o600);

    let service = Service::start_in(directory.path(), binary(), &["serve"], &[]);
    assert_eq!(service.client().with_key(key).get("/v1/events").status, 200);
    assert_eq!(service.stdout(), "", "only --dev prints what no command answers");
}

#[test]
fn what_is_wrong_with_an_argument_is_said_in_a_sentence() {
    for (arguments, sentence) in [
        (&["events", "list", "--after", "evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"][..], "--after must be"),
        (&["endpoints", "create", "--url", "ftp://bot.example.com"], "--url must be a whole https URL"),
        (&["endpoints", "create", "--url", "https://10.0.0.1"], "CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS"),
        (&["endpoints", "test", "we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"], "there is no such endpoint"),
    ] {
        let output = run(arguments);
        let line = output.stderr.lines().find(|line| line.starts_with("customers: ")).unwrap_or_default();
        assert!(line.contains(sentence), "{arguments:?}: {}", output.stderr);
    }
}

#[test]
fn testing_an_unknown_endpoint_fails() {
    let output = run(&["endpoints", "test", "we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e"]);
    assert_eq!((output.status.code(), output.stdout.as_str()), (Some(1), ""), "{output:?}");
}

#[test]
fn revoking_an_unknown_key_fails_and_says_so() {
    let output = run(&["keys", "revoke", "01936d2f-0000-7000-8000-000000000000"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains("there is no key"), "{}", output.stderr);
}

#[test]
fn dev_prints_a_key_once_and_a_line_to_paste() {
    let directory = tempfile::tempdir().unwrap();
    let first = Service::start_in(directory.path(), binary(), &["serve", "--dev"], &[]);
    let printed = wait_for_line(&first);
    let key = printed.split_whitespace().find(|word| word.starts_with("ckey_")).unwrap().to_owned();
    let answer = first.client().with_key(&key).post("/v1/customers", &new_customer(&number()));
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(first.logs().contains("phone_validation=\"any\""), "{}", first.logs());
    drop(first);
    let second = Service::start_in(directory.path(), binary(), &["serve", "--dev"], &[]);
    let printed = wait_for_line(&second);
    assert!(!printed.contains("ckey_") && printed.contains("keys create"), "{printed}");
}

/// What `--dev` prints, once its last line is there: it comes after the service listens.
fn wait_for_line(service: &Service) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let printed = service.stdout();
        if printed.contains("/v1/customers\n") {
            return printed;
        }
        assert!(Instant::now() < deadline, "{printed}");
        thread::yield_now();
    }
}

#[test]
fn the_line_that_dev_prints_creates_a_customer_when_pasted() {
    let service = Service::start(binary(), &["serve", "--dev"], &[]);
    let printed = wait_for_line(&service);
    let line = printed.lines().find(|line| line.trim_start().starts_with("curl ")).unwrap();
    let body = line.split('\'').find(|part| part.starts_with('{')).unwrap();
    let key = line.split('\'').find_map(|part| part.strip_prefix("Authorization: Bearer ")).unwrap();
    let url = line.split_whitespace().last().unwrap();
    assert_eq!(url, service.url("/v1/customers"));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(service.client().with_key(key).post("/v1/customers", &body).status, 201);
}

#[test]
fn a_taken_address_and_a_missing_database_fail_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Service::run(binary(), &["serve"], &[("CUSTOMERS_LISTEN", &address)], None);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains(&address), "{}", output.stderr);

    let settings = [
        ("CUSTOMERS_DATABASE_URL", "postgres://yogi:hunter2@127.0.0.1:1/customers"),
        ("CUSTOMERS_SECRET_KEY", SECRET_KEY),
    ];
    let output = Service::run(binary(), &["serve"], &settings, None);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.contains("127.0.0.1:1/customers") && !output.stderr.contains("hunter2"), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
}

crate::on_both_databases!(
    without_migrations_the_service_says_that_it_is_not_ready,
    eight_processes_may_start_at_once_on_an_empty_database,
    the_start_line_tells_what_runs,
    a_signal_ends_an_idle_service_with_0,
    a_second_signal_ends_it_at_once,
    a_wrong_secret_ends_a_service_that_could_not_tell_at_its_start,
    events_are_listed_for_people_and_for_programs,
    endpoints_are_made_and_listed_for_people_and_for_programs,
    an_endpoint_is_tested_and_the_exit_code_says_whether_it_accepted,
);

fn settings_of(database: &TestDatabase) -> [(&str, &str); 2] {
    [("CUSTOMERS_DATABASE_URL", database.url()), ("CUSTOMERS_SECRET_KEY", SECRET_KEY)]
}

fn without_migrations_the_service_says_that_it_is_not_ready(kind: DatabaseKind) {
    let database = TestDatabase::empty(kind);
    let service = Service::start(binary(), &["serve", "--no-migrate"], &settings_of(&database));
    let answer = service.client().get("/readyz");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")), "{answer:?}");
    assert_eq!(service.client().get("/healthz").status, 200);
    let migrated = Service::run(binary(), &["migrate"], &settings_of(&database), None);
    assert!(migrated.status.success(), "{migrated:?}");
    assert_eq!(service.client().get("/readyz").status, 200);
}

fn eight_processes_may_start_at_once_on_an_empty_database(kind: DatabaseKind) {
    let database = TestDatabase::empty(kind);
    let settings = settings_of(&database);
    thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Service::start(binary(), &["serve"], &settings))).collect();
        for start in starts {
            assert_eq!(start.join().unwrap().client().get("/readyz").status, 200);
        }
    });
}

fn the_start_line_tells_what_runs(kind: DatabaseKind) {
    let database = TestDatabase::empty(kind);
    let service = Service::start(binary(), &["serve"], &settings_of(&database));
    let logs = service.logs();
    let line = logs.lines().find(|line| line.contains("listening on")).unwrap();
    let database = match kind {
        DatabaseKind::Sqlite => "database=sqlite:",
        DatabaseKind::Postgresql => "database=postgres",
    };
    for part in ["customers 0.", &service.url(""), database, "phone_validation=\"possible\""] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

fn a_signal_ends_an_idle_service_with_0(kind: DatabaseKind) {
    for signal in ["TERM", "INT"] {
        let world = World::start(kind);
        // A client that keeps its connection open must not hold up the end.
        assert_eq!(world.http.get("/healthz").status, 200);
        world.service.signal(signal);
        // Less than the ten seconds that requests which run are given.
        assert_eq!(world.service.wait(Duration::from_secs(8)).code(), Some(0), "{}", world.service.logs());
    }
}

fn a_second_signal_ends_it_at_once(kind: DatabaseKind) {
    let world = World::start(kind);
    // A request that runs until its body has come, which is never.
    let mut connection = TcpStream::connect(world.service.url("").trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        world.key
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 12];
    connection.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100", "the request runs");
    let started = Instant::now();
    world.service.signal("TERM");
    world.until_logged("that it stops", |logs| logs.contains("stopping"));
    world.service.signal("INT");
    assert_eq!(world.service.wait(Duration::from_secs(5)).code(), Some(1), "{}", world.service.logs());
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn a_wrong_secret_ends_a_service_that_could_not_tell_at_its_start(kind: DatabaseKind) {
    let service = (0..10).find_map(|_| {
        let database = TestDatabase::empty(kind);
        let wrong = [("CUSTOMERS_DATABASE_URL", database.url()), ("CUSTOMERS_SECRET_KEY", OTHER_KEY)];
        let service = Service::start(binary(), &["serve", "--no-migrate"], &wrong);
        let migrated = Service::run(binary(), &["migrate"], &settings_of(&database), None);
        // Whoever is first there says which secret is right: seldom that is the service, once there are tables.
        migrated.status.success().then_some((database, service))
    });
    let (_database, service) = service.expect("the secret of `migrate` is the first");
    assert_eq!(service.wait(Duration::from_secs(15)).code(), Some(2), "{}", service.logs());
    assert!(service.logs().contains("CUSTOMERS_SECRET_KEY"), "{}", service.logs());
}

/// The cells of a table: columns have two spaces or more between.
fn table(output: &Output) -> Vec<Vec<String>> {
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    output.stdout.lines().map(cells).collect()
}

fn events_are_listed_for_people_and_for_programs(kind: DatabaseKind) {
    let world = World::start(kind);
    assert_eq!(table(&world.run(&["events", "list"])).len(), 1, "the headings alone");
    assert_eq!(world.run(&["events", "list", "--json"]).stdout, "[]\n");
    let customers = [world.create(), world.create()];
    let id = customers[0]["id"].as_str().unwrap();
    let body = json!({"confirmation_token": token_of(&customers[0])});
    assert_eq!(world.http.post(&format!("/v1/customers/{id}/confirm"), &body).status, 200);
    let events = world.events();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |event: &Value| {
        let data = &event["data"];
        [&event["id"], &event["type"], &data["status"], &data["customer"]["id"], &data["sequence"], &event["timestamp"]]
            .map(text)
            .to_vec()
    };
    let listed = world.run(&["events", "list"]);
    let rows = table(&listed);
    assert_eq!(rows[0], ["EVENT", "TYPE", "STATUS", "CUSTOMER", "SEQUENCE", "TIME"]);
    assert_eq!(rows[1..], events.iter().map(row).collect::<Vec<_>>());
    assert!(!listed.stdout.contains(token_of(&customers[1])), "people see no tokens: {}", listed.stdout);

    let json = |arguments: &[&str]| -> Value {
        let output = world.run(&[&["events", "list", "--json"], arguments].concat());
        serde_json::from_str(&output.stdout).unwrap()
    };
    assert_eq!(json(&[]), json!(events));
    assert_eq!(json(&["--limit", "1"]), json!([events[0]]));
    assert_eq!(json(&["--after", events[0]["id"].as_str().unwrap(), "--limit", "1"]), json!([events[1]]));
    assert_eq!(json(&["--customer-id", id]), json!([events[0], events[2]]));
}

const LOOPBACK: (&str, &str) = ("CUSTOMERS_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8");

fn endpoints_are_made_and_listed_for_people_and_for_programs(kind: DatabaseKind) {
    let world = World::with(kind, &[LOOPBACK]);
    let receiver = TestReceiver::start();
    let arguments = ["endpoints", "create", "--url", &receiver.url(), "--description", " The bot "];
    let rows = table(&world.run(&arguments));
    let [headings, made] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(headings, &["ENDPOINT", "SECRET, SHOWN THIS ONCE"]);
    assert!(made[0].starts_with("we_") && made[1].starts_with("whsec_"), "{made:?}");
    let shown = world.http.get(&format!("/v1/webhook_endpoints/{}", made[0])).json();
    assert_eq!((&shown["url"], &shown["description"]), (&json!(receiver.url()), &json!("The bot")));
    assert_eq!(
        shown["event_types"],
        json!(["verification", "customer.updated", "customer.erased"]),
        "without a type, all"
    );
    // A service that runs sends to it.
    world.create();
    receiver.until_accepted(1, Duration::from_secs(15));

    let arguments =
        ["endpoints", "create", "--url", "https://bot.example.com", "--event-type", "verification", "--json"];
    let other: Value = serde_json::from_str(&world.run(&arguments).stdout).unwrap();
    let mut expected = world.http.get(&format!("/v1/webhook_endpoints/{}", other["id"].as_str().unwrap())).json();
    expected["secret"] = other["secret"].clone();
    assert_eq!(other, expected, "as the API shows it");
    let disabled = format!("/v1/webhook_endpoints/{}", other["id"].as_str().unwrap());
    assert_eq!(world.http.patch(&disabled, &json!({"disabled": true})).status, 200);

    let listed = world.run(&["endpoints", "list"]);
    assert_eq!(
        table(&listed),
        [
            vec!["ENDPOINT", "STATE", "EVENT TYPES", "URL", "DESCRIPTION"],
            vec![&made[0], "enabled", "verification,customer.updated,customer.erased", &receiver.url(), "The bot"],
            vec![other["id"].as_str().unwrap(), "disabled (requested)", "verification", "https://bot.example.com/"],
        ]
    );
    let starts: Vec<_> =
        listed.stdout.lines().map(|line| line.find("verification").or(line.find("EVENT TYPES"))).collect();
    assert!(
        starts.iter().all(|start| start.is_some() && *start == starts[0]),
        "columns stand in line: {}",
        listed.stdout
    );
    let listed: Value = serde_json::from_str(&world.run(&["endpoints", "list", "--json"]).stdout).unwrap();
    assert_eq!(listed, world.http.get("/v1/webhook_endpoints").json());
}

fn an_endpoint_is_tested_and_the_exit_code_says_whether_it_accepted(kind: DatabaseKind) {
    let world = World::with(kind, &[LOOPBACK]);
    let receiver = TestReceiver::start();
    let id = table(&world.run(&["endpoints", "create", "--url", &receiver.url()]))[1][0].clone();
    let test = |more: &[&str]| world.try_run(&[&["endpoints", "test", &id], more].concat());
    let says = |status, body: &str| {
        receiver.answer(Answering::StatusWith { status, headers: Vec::new(), body: body.to_owned() });
    };
    says(200, "thank you");
    let output = test(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let ping = receiver.requests().pop().unwrap();
    assert_eq!(ping.json()["type"], "ping");
    assert!(output.stdout.starts_with(&format!("{} accepted: status 200 after ", ping.id())), "{output:?}");
    assert_eq!(output.stdout.lines().nth(1), Some("thank you"));

    says(500, "first line\n\u{1b}[2Jsecond\u{9b}");
    let output = test(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.contains(" not accepted: status 500 after "), "{output:?}");
    assert!(output.stdout.ends_with("first line\n\\u{1b}[2Jsecond\\u{9b}\n"), "a terminal does not obey: {output:?}");
    assert!(output.stderr.contains("did not accept"), "{output:?}");
    let output = test(&["--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let outcome: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&outcome["accepted"], &outcome["status_code"]), (&json!(false), &json!(500)));

    receiver.down();
    let output = test(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.contains(" not accepted: ") && output.stdout.contains("refused"), "{output:?}");
}
