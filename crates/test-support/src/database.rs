//! Databases of a test's own, removed with it.

use std::env;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use tempfile::TempDir;

use crate::database_url;

/// How long a statement is tried again while somebody is still connected to the database that it is about.
const PATIENCE: Duration = Duration::from_secs(30);

/// The databases that the service runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file.
    Sqlite,
    /// A server: the one at `TEST_DATABASE_URL`.
    Postgresql,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// A database that one test has for itself. Dropped, it is gone, whoever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Dropping the directory removes it.
    Directory(TempDir),
    Server(Server, String),
}

impl TestDatabase {
    /// A database without any table.
    pub fn empty(kind: DatabaseKind) -> Self {
        match kind {
            DatabaseKind::Sqlite => Self::sqlite(),
            DatabaseKind::Postgresql => Self::postgresql(),
        }
    }

    /// A database file, not yet made, in a directory of its own.
    pub fn sqlite() -> Self {
        let directory = TempDir::new().expect("a test needs a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("customers.db").display());
        Self { url, place: Place::Directory(directory) }
    }

    /// A new database without any table on the server at `TEST_DATABASE_URL`.
    pub fn postgresql() -> Self {
        // Nobody can be connected to template0, so that it can always be copied.
        Self::copy(Server::of_this_run(), "template0")
    }

    /// A new database that is a copy of a template, which is quicker than migrating each.
    ///
    /// The first caller of this run makes the template: `migrate` is called with the URL of an empty database and
    /// leaves it without connections. All others, in this process or another, wait for it and take what it made. The
    /// template lives as long as the run of `scripts/with-postgres`, so give what changes in between another name.
    pub fn postgresql_from(template: &str, migrate: impl FnOnce(&str)) -> Self {
        let server = Server::of_this_run();
        let template = server.name(&format!("template_{template}"));
        server.make_template(&template, migrate);
        Self::copy(server, &template)
    }

    fn copy(server: Server, template: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = server.name(&format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        patiently(&mut server.connect(), &format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#));
        Self { url: database_url::with_database(&server.url, &name), place: Place::Server(server, name) }
    }

    /// Where the database is: `sqlite:PATH` or `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL beside the service, as a hand in the database would.
    pub fn execute(&self, sql: &str) {
        let done = match &self.place {
            Place::Directory(_) => self.sqlite_connection().batch_execute(sql),
            Place::Server(..) => self.server_connection().batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// How many rows a query gives.
    pub fn count(&self, query: &str) -> i64 {
        let counting = sql::<BigInt>(&format!("(SELECT count(*) FROM ({query}) AS counted)"));
        let counted: QueryResult<i64> = match &self.place {
            Place::Directory(_) => diesel::select(counting).get_result(&mut self.sqlite_connection()),
            Place::Server(..) => diesel::select(counting).get_result(&mut self.server_connection()),
        };
        counted.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// All that is kept, as text: every byte of SQLite's files, every row of a server's tables.
    pub fn dump(&self) -> String {
        match &self.place {
            Place::Directory(directory) => {
                let files = fs::read_dir(directory.path()).expect("the directory is there");
                let read = |file: fs::DirEntry| fs::read(file.path()).expect("a database's file can be read");
                let read = files.map(|file| read(file.expect("the directory can be read")));
                read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
            }
            Place::Server(..) => {
                let mut connection = self.server_connection();
                let names =
                    "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'";
                let names: Vec<Line> = diesel::sql_query(names).load(&mut connection).expect("the catalogue is there");
                let rows = |Line { text: table }| {
                    let rows = format!("SELECT t::text AS text FROM \"{table}\" AS t");
                    diesel::sql_query(rows).load::<Line>(&mut connection).expect("a table can be read")
                };
                names.into_iter().flat_map(rows).map(|line| line.text + "\n").collect()
            }
        }
    }

    fn sqlite_connection(&self) -> SqliteConnection {
        let mut connection =
            SqliteConnection::establish(self.url.trim_start_matches("sqlite:")).expect("the file is there");
        connection.batch_execute("PRAGMA busy_timeout = 10000").expect("a pragma is taken");
        connection
    }

    fn server_connection(&self) -> PgConnection {
        PgConnection::establish(&self.url).expect("the server is there")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Place::Server(server, name) = &self.place else { return };
        // A drop must not panic: it may run because of a panic. What stays is dropped at the end of the run.
        if let Ok(mut connection) = PgConnection::establish(&server.url) {
            let _ = diesel::sql_query(drop_statement(name)).execute(&mut connection);
        }
    }
}

/// Drops every database that this run has made on the server at `TEST_DATABASE_URL`, templates too.
pub fn drop_databases_of_this_run() {
    let server = Server::of_this_run();
    let mut connection = server.connect();
    let names = diesel::sql_query("SELECT datname::text AS name FROM pg_database WHERE starts_with(datname, $1)")
        .bind::<Text, _>(&server.prefix)
        .load::<Name>(&mut connection)
        .unwrap_or_else(|error| panic!("the server's databases cannot be listed: {error}"));
    for Name { name } in names {
        patiently(&mut connection, &drop_statement(&name));
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// The server at `TEST_DATABASE_URL`, whose own database is only used to make others.
#[derive(Debug)]
struct Server {
    url: String,
    prefix: String,
}

impl Server {
    fn of_this_run() -> Self {
        let (Ok(url), Ok(run)) = (env::var("TEST_DATABASE_URL"), env::var("TEST_RUN_ID")) else {
            panic!("this test needs a PostgreSQL server: run `make test`, or `scripts/with-postgres cargo test …`");
        };
        Self { url, prefix: format!("test_{run}_") }
    }

    fn name(&self, rest: &str) -> String {
        let name = format!("{}{rest}", self.prefix);
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(plain && name.len() <= 55, "`{name}` is no name for a database: a-z, 0-9 and _, at most 55 of them");
        name
    }

    fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url)
            .unwrap_or_else(|error| panic!("the server at TEST_DATABASE_URL cannot be reached: {error}"))
    }

    fn make_template(&self, template: &str, migrate: impl FnOnce(&str)) {
        let mut connection = self.connect();
        if exists(&mut connection, template) {
            return;
        }
        // Held until the connection ends, so that a panic of `migrate` gives it back as well.
        diesel::sql_query("SELECT pg_advisory_lock(hashtext($1))")
            .bind::<Text, _>(template)
            .execute(&mut connection)
            .unwrap_or_else(|error| panic!("the lock of the template cannot be taken: {error}"));
        if exists(&mut connection, template) {
            return;
        }
        // It gets its name when it is complete: a template of which the making failed is never copied.
        let unfinished = format!("{template}_making");
        patiently(&mut connection, &drop_statement(&unfinished));
        patiently(&mut connection, &format!(r#"CREATE DATABASE "{unfinished}" TEMPLATE template0"#));
        migrate(&database_url::with_database(&self.url, &unfinished));
        patiently(&mut connection, &format!(r#"ALTER DATABASE "{unfinished}" RENAME TO "{template}""#));
    }
}

fn exists(connection: &mut PgConnection, name: &str) -> bool {
    diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS found")
        .bind::<Text, _>(name)
        .get_result::<Found>(connection)
        .unwrap_or_else(|error| panic!("the server's databases cannot be listed: {error}"))
        .found
}

fn drop_statement(name: &str) -> String {
    format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)
}

/// Executes a statement, again while it fails because somebody is connected: a server notices the end of a connection
/// a little after the client.
fn patiently(connection: &mut PgConnection, statement: &str) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = diesel::sql_query(statement).execute(connection) {
        let passing = error.to_string().contains("being accessed by other users");
        assert!(passing && Instant::now() < deadline, "`{statement}` failed: {error}");
        thread::sleep(Duration::from_millis(20));
    }
}
