//! A database of a test's own, behind the ports and as raw SQL.

use std::time::{Duration, Instant};

use adapters_diesel::{Database, DatabaseUrl, connect};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use domain::{Change, Customer, CustomerId};
use ports::Beside;
use test_support::TestDatabase;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// How often a condition that nobody tells of is looked at.
const GLANCE: Duration = Duration::from_millis(5);

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub(crate) struct Fixture {
    pub(crate) database: Database,
    pub(crate) url: DatabaseUrl,
    /// Dropped last: the connections end before their database.
    place: TestDatabase,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        Self::empty_sqlite().await.migrated().await
    }

    /// A copy of a migrated template.
    pub(crate) async fn postgresql() -> Self {
        let runtime = Handle::current();
        let migrate = move |url: &str| {
            let url = DatabaseUrl::parse(url).unwrap();
            runtime.block_on(async { connect(&url).await.unwrap().migrate().await.unwrap() });
        };
        Self::over(blocking(|| TestDatabase::postgresql_from("adapters_diesel", migrate)).await).await
    }

    pub(crate) async fn empty_sqlite() -> Self {
        Self::over(TestDatabase::sqlite()).await
    }

    pub(crate) async fn empty_postgresql() -> Self {
        Self::over(blocking(TestDatabase::postgresql).await).await
    }

    async fn over(place: TestDatabase) -> Self {
        let url = DatabaseUrl::parse(place.url()).unwrap();
        Self { database: connect(&url).await.unwrap(), url, place }
    }

    async fn migrated(self) -> Self {
        self.database.migrate().await.unwrap();
        self
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.sqlite_path().is_some()
    }

    /// Another process's view of the same database.
    pub(crate) async fn second(&self) -> Database {
        connect(&self.url).await.unwrap()
    }

    /// Runs SQL on a connection of its own.
    pub(crate) fn execute(&self, sql: &str) {
        self.raw().batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) fn raw(&self) -> Box<dyn SimpleConnection + Send> {
        if self.is_sqlite() {
            let mut connection = SqliteConnection::establish(self.raw_url()).unwrap();
            // Whoever is at it leaves the file free for moments.
            connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            Box::new(connection)
        } else {
            Box::new(PgConnection::establish(self.raw_url()).unwrap())
        }
    }

    /// What diesel connects to.
    pub(crate) fn raw_url(&self) -> &str {
        self.place.url().trim_start_matches("sqlite:")
    }

    /// What a query says in its one row's column `number`.
    pub(crate) fn number(&self, query: &str) -> i64 {
        let query = diesel::sql_query(query);
        let row: Number = if self.is_sqlite() {
            query.get_result(&mut SqliteConnection::establish(self.raw_url()).unwrap()).unwrap()
        } else {
            query.get_result(&mut PgConnection::establish(self.raw_url()).unwrap()).unwrap()
        };
        row.number
    }

    /// What a query says in its rows' column `line`.
    pub(crate) fn lines(&self, query: &str) -> Vec<String> {
        let query = diesel::sql_query(query);
        let rows: Vec<Line> = if self.is_sqlite() {
            query.load(&mut SqliteConnection::establish(self.raw_url()).unwrap()).unwrap()
        } else {
            query.load(&mut PgConnection::establish(self.raw_url()).unwrap()).unwrap()
        };
        rows.into_iter().map(|row| row.line).collect()
    }

    /// Every row of every table, as its table's name and all its columns as text, in lower case; bytes in hexadecimal.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let tables = if self.is_sqlite() {
            "SELECT name AS line FROM sqlite_master WHERE type = 'table'"
        } else {
            "SELECT CAST(tablename AS TEXT) AS line FROM pg_tables WHERE schemaname = current_schema()"
        };
        let mut rows = Vec::new();
        for table in self.lines(tables) {
            let text = if self.is_sqlite() {
                let columns = format!("SELECT 'quote(\"' || name || '\")' AS line FROM pragma_table_xinfo('{table}')");
                self.lines(&columns).join(" || ' ' || ")
            } else {
                "CAST(t AS TEXT)".to_owned()
            };
            let all = self.lines(&format!("SELECT {text} AS line FROM \"{table}\" AS t"));
            rows.extend(all.into_iter().map(|row| (table.clone(), row.to_lowercase())));
        }
        rows
    }

    /// Whether a condition holds.
    pub(crate) fn is_true(&self, condition: &str) -> bool {
        self.number(&format!("SELECT CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS BIGINT) AS number")) == 1
    }

    /// A UUID as the database's SQL spells it.
    pub(crate) fn literal(&self, id: Uuid) -> String {
        if self.is_sqlite() { format!("x'{}'", id.simple()) } else { format!("'{id}'") }
    }

    /// Waits until a call that was just spawned has begun: on PostgreSQL, until a statement waits in this way (a
    /// `wait_event_type` or `wait_event` of `pg_stat_activity`). SQLite tells nobody; there it is on its thread.
    pub(crate) async fn until_somebody_waits(&self, for_what: &str) {
        self.until_so_many_wait(1, for_what).await;
    }

    /// The same for several calls.
    pub(crate) async fn until_so_many_wait(&self, count: u32, for_what: &str) {
        // The spawned tasks run up to where they hand their work to a blocking thread.
        tokio::task::yield_now().await;
        if self.is_sqlite() {
            return;
        }
        let wait = format!(
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND '{for_what}' IN (wait_event_type, wait_event)) >= {count}"
        );
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut connection = PgConnection::establish(self.raw_url()).unwrap();
        while !diesel::select(sql::<Bool>(&wait)).get_result::<bool>(&mut connection).unwrap() {
            assert!(Instant::now() < deadline, "not {count} wait for {for_what}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until the customer is stored.
    pub(crate) async fn until_found(&self, id: CustomerId) -> Customer {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(customer) = self.find(id).await {
                return customer;
            }
            assert!(Instant::now() < deadline, "the save that had begun is not finished");
            tokio::time::sleep(GLANCE).await;
        }
    }

    pub(crate) async fn save(&self, change: &Change) -> Customer {
        self.database.customers.save(change, Beside::default()).await.unwrap();
        change.customer().clone()
    }

    pub(crate) async fn find(&self, id: CustomerId) -> Option<Customer> {
        self.database.customers.find(id).await.unwrap()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap()
}
