//! Test databases are a test's own, and a template is made once however many ask for it.
#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail like the tests themselves")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use test_support::{DatabaseKind, TestDatabase};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(connection: &mut PgConnection, query: &str) -> i64 {
    diesel::sql_query(query).get_result::<Count>(connection).unwrap().count
}

fn migrate(url: &str) {
    let mut connection = PgConnection::establish(url).unwrap();
    diesel::sql_query("CREATE TABLE things (id BIGINT)").execute(&mut connection).unwrap();
}

#[test]
fn a_template_is_made_once_under_concurrent_callers() {
    let made = AtomicUsize::new(0);
    let urls = thread::scope(|scope| {
        let callers: Vec<_> = (0..12)
            .map(|_| {
                scope.spawn(|| {
                    let database = TestDatabase::postgresql_from("concurrent", |url| {
                        made.fetch_add(1, Ordering::SeqCst);
                        migrate(url);
                    });
                    let mut connection = PgConnection::establish(database.url()).unwrap();
                    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM things"), 0);
                    diesel::sql_query("INSERT INTO things VALUES (1)").execute(&mut connection).unwrap();
                    database.url().to_owned()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect::<HashSet<_>>()
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert_eq!(urls.len(), 12, "each caller has a database of its own");
}

#[test]
fn a_template_that_could_not_be_made_is_made_anew() {
    let failed = thread::spawn(|| {
        TestDatabase::postgresql_from("failing", |url| {
            migrate(url);
            panic!("on purpose");
        })
    });
    assert!(failed.join().is_err());
    let database = TestDatabase::postgresql_from("failing", migrate);
    let mut connection = PgConnection::establish(database.url()).unwrap();
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM things"), 0);
}

#[test]
fn a_dropped_database_is_gone_though_somebody_is_connected() {
    let database = TestDatabase::empty(DatabaseKind::Postgresql);
    let name = database.url().rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let connected = PgConnection::establish(database.url()).unwrap();
    drop(database);
    let mut server = PgConnection::establish(&std::env::var("TEST_DATABASE_URL").unwrap()).unwrap();
    let query = diesel::sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1");
    assert_eq!(query.bind::<Text, _>(&name).get_result::<Count>(&mut server).unwrap().count, 0);
    drop(connected);
}

#[test]
fn a_sqlite_database_is_a_file_in_a_directory_that_goes_with_it() {
    let database = TestDatabase::empty(DatabaseKind::Sqlite);
    let path = database.url().strip_prefix("sqlite:").unwrap().to_owned();
    let mut connection = SqliteConnection::establish(&path).unwrap();
    diesel::sql_query("CREATE TABLE things (id BIGINT)").execute(&mut connection).unwrap();
    assert!(std::fs::exists(&path).unwrap());
    drop(database);
    assert!(!std::fs::exists(&path).unwrap());
}
