//! How the databases find what is asked for again and again, among many: by the indexes that were made for it.

use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use domain::{AfterTry, DeliveryId, EndpointId, EventId, EventType};
use ports::{DeliveryQuery, DeliveryStatusFilter, Lease, ReplayQuery};
use uuid::Uuid;

use crate::delivering::{due, holder, new_endpoint, retry, tried};
use crate::fixture::Fixture;
use crate::making::{at, creation, fresh_uuid, moment, new_card, new_customer, with_card};

crate::on_both_databases!(
    what_is_due_is_found_by_the_index_of_what_is_due,
    a_page_of_deliveries_is_read_from_an_index_in_order,
    the_first_and_the_last_of_a_customers_are_found_by_the_index_of_what_is_pending,
    what_is_old_is_found_by_position_and_event,
    cards_that_are_due_to_be_removed_are_found_by_the_index_of_what_is_due,
    all_that_is_kept_of_a_customer_is_found_by_indexes,
    what_has_had_its_time_is_found_by_its_indexes_in_order,
);

/// The databases of the run, of all tests, that somebody watches.
static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

struct Watched {
    database: String,
    texts: Vec<String>,
    /// Those that hold one of the texts.
    statements: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "it is what diesel takes")]
pub(crate) fn watch() -> Option<Box<dyn Instrumentation>> {
    // Of one connection.
    let mut database = String::new();
    let note = move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartEstablishConnection { url, .. } => without_parameters(url).clone_into(&mut database),
        InstrumentationEvent::StartQuery { query, .. } => {
            let mut watched = WATCHED.lock().unwrap();
            let Some(watched) = watched.iter_mut().find(|watched| watched.database == database) else { return };
            let statement = query.to_string();
            let is_watched = watched.texts.iter().any(|text| statement.contains(text));
            if is_watched && !statement.starts_with("EXPLAIN") {
                watched.statements.push(statement);
            }
        }
        _ => {}
    };
    Some(Box::new(note))
}

fn without_parameters(url: &str) -> &str {
    url.split_once('?').map_or(url, |(url, _)| url)
}

/// What is done with a database of many deliveries, and the plans of its statements.
struct Many {
    db: Fixture,
    lease: Lease,
    endpoint: EndpointId,
    /// The event at position 5.
    event: EventId,
}

#[derive(QueryableByName)]
struct PostgresqlLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct SqliteLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

impl Many {
    /// Ten thousand customers, five hundred of whom have ten thousand events, queued for four endpoints. Of each endpoint's deliveries, those of
    /// the last thousand events are pending: of each customer one has failed once, and another waits for it.
    async fn new(mut db: Fixture) -> Self {
        set_default_instrumentation(watch).unwrap();
        // Only connections that are made from now on are watched.
        db.database = db.second().await;
        let sample = creation(new_customer());
        db.save(&sample).await;
        db.database.events.last().await.unwrap();
        let mut endpoints = Vec::new();
        for _ in 0..4 {
            let endpoint = new_endpoint(0);
            endpoints.push(endpoint.endpoint.id);
            db.database.endpoints.insert(endpoint, None).await.unwrap();
        }
        let id = |number: &str| {
            if db.is_sqlite() {
                format!("unhex(printf('%032x', {number}))")
            } else {
                format!("CAST(lpad(to_hex({number}), 32, '0') AS UUID)")
            }
        };
        let time = |seconds: i64| {
            let milliseconds = at(seconds).timestamp_millis();
            if db.is_sqlite() { milliseconds.to_string() } else { format!("to_timestamp({milliseconds} / 1000.0)") }
        };
        let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)";
        let mut script = vec![format!(
            "INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload, position) {numbers} \
             SELECT {}, {}, n, type, occurred_at, payload, n FROM events, numbers; \
             UPDATE event_numbering SET last_position = 10000; UPDATE receivers SET position = 10000; ",
            id("n"),
            id("(n % 500)")
        )];
        script.push(format!(
            "INSERT INTO customers (id, unconfirmed_phone_number, country_code, confirmation_token, \
                 token_generated_at, token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, \
                 created_at, updated_at) {numbers} \
             SELECT {}, unconfirmed_phone_number, country_code, confirmation_token, token_generated_at, \
                 token_wrong_tries, wrong_tries, tokens_in_row, sequence, revision, version, created_at, updated_at \
             FROM customers, numbers; ",
            id("(n - 2)")
        ));
        for (index, endpoint) in endpoints.iter().enumerate() {
            script.push(format!(
                "INSERT INTO deliveries (id, endpoint_id, event_id, customer_id, position, tries, next_try_at, \
                 accepted_at, failed_at, created_at) \
                 SELECT {}, {}, id, customer_id, position, 1, \
                     CASE WHEN position > 9000 AND position <= 9500 THEN {} END, \
                     CASE WHEN position <= 9000 AND position % 50 > 0 THEN {} END, \
                     CASE WHEN position <= 9000 AND position % 50 = 0 THEN {} END, {} FROM events; ",
                id(&format!("(position * 10 + {index})")),
                db.literal(endpoint.uuid()),
                time(100),
                time(50),
                time(50),
                time(0)
            ));
        }
        let tries = "INSERT INTO delivery_tries (delivery_id, number, tried_at, duration_ms, status_code) \
                     SELECT id, 1, created_at, 5, 500 FROM deliveries; ANALYZE;";
        script.push(tries.to_owned());
        db.execute(&script.concat());
        let endpoint = endpoints[1];
        let lease = Lease { receiver: endpoint.into(), holder: holder() };
        db.database.receivers.take_leases(lease.holder, vec![lease.receiver]).await.unwrap();
        let event = EventId::from(Uuid::from_u128(5));
        Self { db, lease, endpoint, event }
    }

    fn watch(&self) {
        // The last one is the delivery that is due first.
        let ids = [self.endpoint.uuid(), self.event.uuid(), Uuid::from_u128(90_011)];
        watch_for(&self.db, ids.map(|id| id.to_string()).into());
    }

    /// The plans of the statements since [`watch`](Self::watch) that hold `part`.
    fn plans(&self, part: &str) -> Vec<String> {
        plans(&self.db, part)
    }
}

/// From now on the database's statements that hold one of these texts are noted.
pub(crate) fn watch_for(db: &Fixture, texts: Vec<String>) {
    let database = without_parameters(db.raw_url()).to_owned();
    WATCHED.lock().unwrap().push(Watched { database, texts, statements: Vec::new() });
}

/// The plans of the statements that hold `part`, of those that were noted, which are noted no longer.
pub(crate) fn plans(db: &Fixture, part: &str) -> Vec<String> {
    plans_of(db, |statement| statement.contains(part))
}

/// The same of those of which this is true.
fn plans_of(db: &Fixture, which: impl Fn(&str) -> bool) -> Vec<String> {
    let mut watched = WATCHED.lock().unwrap();
    let database = without_parameters(db.raw_url());
    let mine = watched.iter().position(|watched| watched.database == database).unwrap();
    let statements = watched.swap_remove(mine).statements;
    drop(watched);
    let plans: Vec<String> = statements
        .iter()
        .map(|statement| statement.replace(['"', '`'], ""))
        .filter(|statement| which(statement))
        .map(|statement| explain(db, &statement))
        .collect();
    assert!(!plans.is_empty(), "none of {statements:#?}");
    plans
}

/// The plan, below its statement.
fn explain(db: &Fixture, statement: &str) -> String {
    let (sql, binds) = statement.split_once(" -- binds: ").unwrap();
    let lines: Vec<String> = if db.is_sqlite() {
        let mut connection = SqliteConnection::establish(db.raw_url()).unwrap();
        let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        plan.load(&mut connection).unwrap().into_iter().map(|line: SqliteLine| line.detail).collect()
    } else {
        let mut sql = sql.to_owned();
        for (number, bind) in literals(binds).into_iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", number + 1), &bind);
        }
        let mut connection = PgConnection::establish(db.raw_url()).unwrap();
        connection.batch_execute("SET jit = off").unwrap();
        let plan = diesel::sql_query(format!("EXPLAIN {sql}"));
        let lines = plan.load(&mut connection).unwrap_or_else(|error| panic!("{error}: {sql}"));
        lines.into_iter().map(|line: PostgresqlLine| line.line).collect()
    };
    format!("{statement}\n{}", lines.join("\n"))
}

/// The values of `[RowId(…), RowInstant(Some(…)), [Some(1), Some(2)], 10]` as SQL spells them.
fn literals(binds: &str) -> Vec<String> {
    let mut binds = binds.to_owned();
    for wrapping in ["RowId(", "RowInstant(", "Some(", ")"] {
        binds = binds.replace(wrapping, "");
    }
    let inner = binds.strip_prefix('[').and_then(|binds| binds.strip_suffix(']')).unwrap();
    let (mut literals, mut depth) = (vec![String::new()], 0);
    for character in inner.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => literals.push(String::new()),
            _ => {}
        }
        if depth > 0 || character != ',' {
            literals.last_mut().unwrap().push(character);
        }
    }
    let literal = |text: &String| match text.trim() {
        "None" => "NULL".to_owned(),
        text if text.starts_with('[') => format!("'{}'", text.replace('[', "{").replace(']', "}")),
        text => format!("'{}'", text.trim_matches('"')),
    };
    literals.iter().map(literal).collect()
}

/// The tables that grow.
const TABLES: [&str; 10] = [
    "deliveries",
    "events",
    "delivery_tries",
    "customers",
    "card_detachments",
    "phone_number_claims",
    "links",
    "idempotency_records",
    "number_memories",
    "erased_customers",
];

/// That a plan goes by this index, and reads no table from end to end.
pub(crate) fn expect_index(plan: &str, index: &str) {
    assert!(plan.contains(index), "not by {index}: {plan}");
    expect_no_scan(plan);
}

pub(crate) fn expect_no_scan(plan: &str) {
    for table in TABLES {
        for scan in [format!("Seq Scan on {table}"), format!("SCAN {table}\n"), format!("SCAN {table} USING")] {
            assert!(!format!("{plan}\n").contains(&scan), "{plan}");
        }
    }
}

pub(crate) fn expect_no_sort(plan: &str) {
    for sort in ["Sort", "USE TEMP B-TREE FOR ORDER BY"] {
        assert!(!plan.contains(sort), "{plan}");
    }
}

async fn what_is_due_is_found_by_the_index_of_what_is_due(db: Fixture) {
    let many = Many::new(db).await;
    for now in [at(99), at(100)] {
        many.watch();
        let due = many.db.database.deliveries.due(many.endpoint, now, 64).await.unwrap();
        assert_eq!(due.deliveries.len(), if now == at(100) { 64 } else { 0 });
        for plan in many.plans("SELECT deliveries.id FROM deliveries") {
            expect_index(&plan, "deliveries_due_idx");
            expect_no_sort(&plan);
        }
    }
    many.watch();
    many.db.database.deliveries.due(many.endpoint, at(100), 64).await.unwrap();
    let plans = many.plans("FROM (");
    for plan in &plans {
        expect_no_scan(plan);
    }
    many.watch();
    many.db.database.deliveries.due(many.endpoint, at(99), 64).await.unwrap();
    for plan in many.plans("SELECT deliveries.next_try_at") {
        expect_index(&plan, "deliveries_due_idx");
        expect_no_sort(&plan);
    }
}

async fn a_page_of_deliveries_is_read_from_an_index_in_order(db: Fixture) {
    let many = Many::new(db).await;
    let after = DeliveryId::from(Uuid::from_u128(9_700 * 10 + 1));
    for (status, index) in [
        (None, "deliveries_endpoint_id_id_idx"),
        (Some(DeliveryStatusFilter::Accepted), "deliveries_endpoint_id_id_idx"),
        (Some(DeliveryStatusFilter::Pending), "deliveries_unaccepted_idx"),
        (Some(DeliveryStatusFilter::Failed), "deliveries_unaccepted_idx"),
    ] {
        for after in [None, Some(after)] {
            many.watch();
            let query = DeliveryQuery { endpoint_id: many.endpoint, status, after, limit: 50 };
            let page = many.db.database.deliveries.list(query).await.unwrap().unwrap();
            assert_eq!((page.deliveries.len(), page.more), (50, true), "{status:?}");
            for plan in many.plans("ORDER BY deliveries.id DESC") {
                expect_index(&plan, index);
                // PostgreSQL expects so few failed ones that it rather sorts them.
                if status != Some(DeliveryStatusFilter::Failed) {
                    expect_no_sort(&plan);
                }
            }
        }
    }
}

async fn the_first_and_the_last_of_a_customers_are_found_by_the_index_of_what_is_pending(db: Fixture) {
    let many = Many::new(db).await;
    let tries: Vec<_> = due(&many.db, many.lease, 100).await.deliveries;
    let ends = [retry(5_000), AfterTry::Accepted, AfterTry::GiveUp];
    let tries = tries.iter().zip(ends.iter().cycle()).map(|(due, end)| tried(due, 100, *end)).collect();
    many.watch();
    many.db.database.deliveries.record(many.lease, tries, at(101)).await.unwrap();
    let plans = many.plans("deliveries");
    let looks: Vec<_> = plans.iter().filter(|plan| plan.contains("customer_id =")).collect();
    assert!(!looks.is_empty(), "{plans:#?}");
    for plan in looks {
        expect_index(plan, "deliveries_pending_idx");
    }
    for plan in &plans {
        expect_no_scan(plan);
    }
}

async fn what_is_old_is_found_by_position_and_event(db: Fixture) {
    let many = Many::new(db).await;
    many.watch();
    many.db.database.deliveries.prune(at(10), vec![many.lease.receiver], 0, 100).await.unwrap();
    let plans = many.plans("");
    for plan in &plans {
        expect_no_scan(plan);
    }
    for index in ["deliveries_event_id_idx", "DELETE FROM events"] {
        assert!(plans.iter().any(|plan| plan.contains(index)), "{plans:#?}");
    }

    many.watch();
    let query = ReplayQuery {
        endpoint_id: many.endpoint,
        event_types: EventType::ALL.to_vec(),
        since: at(0),
        after: 0,
        limit: 100,
    };
    assert_eq!(many.db.database.deliveries.replayable(query).await.unwrap().len(), 100);
    let repeat = DeliveryId::from(fresh_uuid());
    let delivery = DeliveryId::from(Uuid::from_u128(9_700 * 10 + 1));
    assert!(many.db.database.deliveries.redeliver(many.endpoint, delivery, repeat, at(9), None).await.unwrap());
    // A deleted endpoint's are found by the endpoint.
    many.db.database.endpoints.delete(many.endpoint).await.unwrap();
    assert!(many.db.database.deliveries.prune_deleted(100).await.unwrap());
    for plan in many.plans("SELECT") {
        expect_no_scan(&plan);
    }
}

async fn cards_that_are_due_to_be_removed_are_found_by_the_index_of_what_is_due(mut db: Fixture) {
    set_default_instrumentation(watch).unwrap();
    db.database = db.second().await;
    let provider = format!("provider {}", fresh_uuid());
    let card = new_card(&provider, 0);
    let customer = db.save(&creation(new_customer())).await;
    let customer = db.save(&with_card(&customer, None, Some(card.clone()), 0)).await;
    db.save(&with_card(&customer, Some(&card), None, 100)).await;
    // Ten thousand of this provider's wait for another try, and as many of another's are due.
    let id = if db.is_sqlite() { "randomblob(16)" } else { "gen_random_uuid()" };
    let numbers = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)";
    let [waiting, due] = [at(5_000), at(1)].map(|time| {
        let milliseconds = time.timestamp_millis();
        if db.is_sqlite() { milliseconds.to_string() } else { format!("to_timestamp({milliseconds} / 1000.0)") }
    });
    for (provider, time) in [(provider.as_str(), waiting), ("another", due)] {
        db.execute(&format!(
            "INSERT INTO card_detachments (id, provider, payment_method, tries, next_try_at) {numbers} \
             SELECT {id}, '{provider}', 'pm_' || n, 3, {time} FROM numbers"
        ));
    }
    db.execute("ANALYZE");
    watch_for(&db, vec![provider.clone()]);
    let taken = db.database.detachments.take_due_detachments(&provider, at(100), at(160), 5).await.unwrap();
    assert_eq!(taken.len(), 1);
    for plan in plans(&db, "SELECT") {
        expect_index(&plan, "card_detachments_next_try_at_idx");
    }
}

const NUMBERS: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)";

/// A digest of its own for each of [`NUMBERS`], a UUID of a customer, and a time so many seconds later, as the database's
/// SQL spells them.
fn spelling(db: &Fixture) -> [&'static str; 3] {
    if db.is_sqlite() {
        ["unhex(printf('%064x', n))", "unhex(printf('%032x', n - 1))", "1795464000123 + 1000 * n"]
    } else {
        [
            "decode(lpad(to_hex(n), 64, '0'), 'hex')",
            "CAST(lpad(to_hex(n - 1), 32, '0') AS UUID)",
            "to_timestamp(1795464000.123 + n)",
        ]
    }
}

async fn all_that_is_kept_of_a_customer_is_found_by_indexes(db: Fixture) {
    let many = Many::new(db).await;
    let [digest, customer, time] = spelling(&many.db);
    many.db.execute(&format!(
        "INSERT INTO idempotency_records (id, fingerprint, customer_id, created_at) {NUMBERS} \
             SELECT {digest}, {digest}, {customer}, {time} FROM numbers; \
         INSERT INTO phone_number_claims (phone_number, customer_id) {NUMBERS} \
             SELECT 'x' || n, {customer} FROM numbers WHERE n <= 9999; \
         INSERT INTO links (id, customer_id, purpose, generation, code, created_at, expires_at) {NUMBERS} \
             SELECT {customer}, {customer}, 'card', 1, {digest}, {time}, {time} FROM numbers WHERE n <= 9999; ANALYZE"
    ));
    // The customer of the event.
    let customer = many.db.find(domain::CustomerId::from(many.event.uuid())).await.unwrap();
    many.watch();
    many.db.save(&customer.erase(None, moment(200)).change.unwrap()).await;
    // What is written into an event holds what binds are told apart by; it is found by its id.
    let plans =
        plans_of(&many.db, |statement| !statement.starts_with("UPDATE events") && !statement.contains("INSERT INTO"));
    for plan in &plans {
        expect_no_scan(plan);
    }
    for part in ["DELETE FROM links", "DELETE FROM phone_number_claims", "UPDATE idempotency_records"] {
        assert!(plans.iter().any(|plan| plan.contains(part)), "{part}: {plans:#?}");
    }
}

async fn what_has_had_its_time_is_found_by_its_indexes_in_order(db: Fixture) {
    let many = Many::new(db).await;
    let (db, [digest, customer, time]) = (&many.db, spelling(&many.db));
    // Nearly all are confirmed, and of those nearly nobody is to get another number.
    db.execute(&format!(
        "UPDATE customers SET phone_number = unconfirmed_phone_number, confirmed_at = created_at \
             WHERE id <> {} AND id NOT IN (SELECT customer_id FROM events WHERE position <= 20); \
         UPDATE customers SET change_requested_at = created_at, next_country_code = 'CA' \
             WHERE id IN (SELECT customer_id FROM events WHERE position BETWEEN 30 AND 40); \
         INSERT INTO idempotency_records (id, fingerprint, customer_id, created_at) {NUMBERS} \
             SELECT {digest}, {digest}, {customer}, {time} FROM numbers; \
         INSERT INTO number_memories (number, wrong_tries, tokens, forgotten_at) {NUMBERS} \
             SELECT {digest}, '', '1795464000123', {time} FROM numbers; \
         INSERT INTO erased_customers (id, erased_at) {NUMBERS} SELECT {customer}, {time} FROM numbers; ANALYZE",
        db.literal(many.event.uuid())
    ));
    // Times that no other statement names.
    let now = at(2_000) + chrono::TimeDelta::milliseconds(if db.is_sqlite() { 1 } else { 2 });
    let text = format!("{now:?}");
    let retention = &db.database.retention;
    let watched = |part: &str, index: &str| {
        for plan in plans(db, part) {
            expect_index(&plan, index);
            expect_no_sort(&plan);
        }
    };
    watch_for(db, vec![text.clone()]);
    assert_eq!(retention.waiting_for_number_since(now, 5).await.unwrap().len(), 5);
    watched("SELECT", "customers_change_requested_at_idx");
    watch_for(db, vec![text.clone()]);
    assert_eq!(retention.unconfirmed_since(now, 5).await.unwrap().len(), 5);
    watched("SELECT", "customers_unconfirmed_idx");
    watch_for(db, vec![text.clone()]);
    assert!(retention.prune_outlived(now, at(0), 5).await.unwrap());
    watched("SELECT", "idempotency_records_created_at_idx");
    watch_for(db, vec![text.clone()]);
    assert!(retention.prune_outlived(at(0), now, 5).await.unwrap());
    watched("SELECT", "number_memories_forgotten_at_idx");
    let after = many.endpoint.uuid();
    watch_for(db, vec![after.to_string()]);
    retention.erased_customers(Some(after.into()), 5).await.unwrap();
    for plan in plans(db, "SELECT") {
        expect_no_scan(&plan);
        expect_no_sort(&plan);
    }
}
