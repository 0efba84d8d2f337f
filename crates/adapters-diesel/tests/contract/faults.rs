//! A database that is cut off, hangs, is locked or saturated: callers are answered in bounded time, and the same
//! process works again as soon as the database does.

use std::future::Future;
use std::time::{Duration, Instant};

use adapters_diesel::{Database, DatabaseUrl, connect};
use diesel::connection::SimpleConnection;
use domain::{Change, Customer, CustomerId};
use ports::{Beside, EventQuery, SaveError, StoreError};
use test_support::FaultProxy;

use crate::fixture::Fixture;
use crate::making::{creation, new_customer, renamed};

crate::on_both_databases!(
    a_database_locked_by_somebody_else_is_unavailable_until_it_is_free,
    many_more_callers_than_connections_are_all_answered,
    work_goes_on_when_its_caller_has_gone,
);

/// What a caller who is answered at all is answered within.
const BOUND: Duration = Duration::from_secs(13);

async fn bounded<T>(work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let result = work.await;
    assert!(start.elapsed() < BOUND, "answered after {:?}", start.elapsed());
    result
}

async fn expect_unavailable(database: &Database, id: CustomerId) {
    let found = bounded(database.customers.find(id)).await;
    assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
}

async fn expect_not_saved(database: &Database, change: &Change) {
    let saved = bounded(database.customers.save(change, Beside::default())).await;
    assert!(matches!(saved, Err(SaveError::Store(StoreError::Unavailable(_)))), "{saved:?}");
}

/// Somebody else's transaction, which no save passes until it ends.
fn lock(db: &Fixture) -> Box<dyn SimpleConnection> {
    let mut holder = db.raw();
    let take = if db.is_sqlite() { "BEGIN EXCLUSIVE" } else { "BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE" };
    holder.batch_execute(take).unwrap();
    holder
}

async fn a_database_locked_by_somebody_else_is_unavailable_until_it_is_free(db: Fixture) {
    let customer = db.save(&creation(new_customer())).await;
    let change = renamed(&customer, "Later", 1);
    let mut holder = lock(&db);
    expect_not_saved(&db.database, &change).await;
    holder.batch_execute("ROLLBACK").unwrap();
    let saved = db.save(&change).await;
    assert_eq!(db.find(customer.id()).await, Some(saved));
}

async fn many_more_callers_than_connections_are_all_answered(db: Fixture) {
    let mut holder = lock(&db);
    let start = Instant::now();
    let callers: Vec<_> = (0..1_500)
        .map(|_| {
            let customers = db.database.customers.clone();
            let change = creation(new_customer());
            tokio::spawn(async move { customers.save(&change, Beside::default()).await })
        })
        .collect();
    for caller in callers {
        let answer = caller.await.unwrap();
        assert!(matches!(answer, Err(SaveError::Store(StoreError::Unavailable(_)))), "{answer:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "all were answered after {:?}", start.elapsed());
    holder.batch_execute("ROLLBACK").unwrap();
    db.save(&creation(new_customer())).await;
}

async fn work_goes_on_when_its_caller_has_gone(db: Fixture) {
    let mut holder = lock(&db);
    let change = creation(new_customer());
    let caller = tokio::spawn({
        let (customers, change) = (db.database.customers.clone(), change.clone());
        async move { customers.save(&change, Beside::default()).await }
    });
    db.until_somebody_waits("Lock").await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    holder.batch_execute("ROLLBACK").unwrap();
    db.until_found(change.customer().id()).await;
}

/// A PostgreSQL behind a proxy that can be cut.
struct Remote {
    direct: Fixture,
    proxy: FaultProxy,
    database: Database,
    customer: Customer,
}

impl Remote {
    async fn new() -> Self {
        let direct = Fixture::postgresql().await;
        let proxy = FaultProxy::before_database(direct.raw_url());
        let url = DatabaseUrl::parse(&proxy.url(direct.raw_url())).unwrap();
        let customer = direct.save(&creation(new_customer())).await;
        let database = connect(&url).await.unwrap();
        assert_eq!(database.customers.find(customer.id()).await.unwrap().as_ref(), Some(&customer));
        Self { direct, proxy, database, customer }
    }

    /// The very next call works: nobody has to be restarted, and nothing has to be tried twice.
    async fn expect_works(&self) {
        let found = self.database.customers.find(self.customer.id()).await;
        assert_eq!(found.unwrap().as_ref(), Some(&self.customer));
        self.database.customers.save(&creation(new_customer()), Beside::default()).await.unwrap();
        let query = EventQuery { after: None, customer_id: None, limit: 100 };
        self.database.events.page(query).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_cut_off_is_unavailable_and_then_works_again() {
    let remote = Remote::new().await;
    for _ in 0..2 {
        remote.proxy.cut();
        let start = Instant::now();
        expect_unavailable(&remote.database, remote.customer.id()).await;
        expect_not_saved(&remote.database, &creation(new_customer())).await;
        assert!(start.elapsed() < Duration::from_secs(8), "two calls took {:?}", start.elapsed());
        remote.proxy.mend();
        remote.expect_works().await;
    }
}

#[tokio::test]
async fn connections_that_died_unused_cost_no_caller_anything() {
    let remote = Remote::new().await;
    // Several idle connections, all of them dead.
    let finds = (0..16).map(|_| {
        let (customers, id) = (remote.database.customers.clone(), remote.customer.id());
        tokio::spawn(async move { customers.find(id).await.unwrap() })
    });
    for find in finds.collect::<Vec<_>>() {
        find.await.unwrap();
    }
    remote.proxy.cut();
    remote.proxy.mend();
    remote.expect_works().await;
    remote.direct.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'customers'",
    );
    remote.expect_works().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_and_then_works_again() {
    let remote = Remote::new().await;
    remote.proxy.stall();
    expect_unavailable(&remote.database, remote.customer.id()).await;
    remote.proxy.mend();
    remote.expect_works().await;
}

#[tokio::test]
async fn a_server_may_be_down_when_the_service_starts() {
    let direct = Fixture::postgresql().await;
    let proxy = FaultProxy::before_database(direct.raw_url());
    proxy.cut();
    let database = connect(&DatabaseUrl::parse(&proxy.url(direct.raw_url())).unwrap()).await.unwrap();
    let (readiness, migrated) = (database.installation.readiness().await, database.migrate().await);
    assert!(matches!(readiness, Err(StoreError::Unavailable(_))), "{readiness:?}");
    assert!(matches!(migrated, Err(StoreError::Unavailable(_))), "{migrated:?}");
    proxy.mend();
    assert_eq!(database.migrate().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_transaction_that_is_cut_in_the_middle_leaves_nothing_half_done() {
    let remote = Remote::new().await;
    // The customer and his claim are written, the event is not: it waits here.
    let mut holder = remote.direct.raw();
    holder.batch_execute("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE").unwrap();
    let change = creation(new_customer());
    let save = tokio::spawn({
        let (customers, change) = (remote.database.customers.clone(), change.clone());
        async move { customers.save(&change, Beside::default()).await }
    });
    remote.direct.until_somebody_waits("Lock").await;
    remote.proxy.cut();
    let cut = bounded(save).await.unwrap();
    assert!(matches!(cut, Err(SaveError::Store(StoreError::Unavailable(_)))), "{cut:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    remote.proxy.mend();

    assert_eq!(remote.direct.find(change.customer().id()).await, None);
    // Neither the id nor the number nor the event is taken.
    remote.database.customers.save(&change, Beside::default()).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_made_again() {
    let remote = Remote::new().await;
    // A commit that takes its time.
    remote.direct.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON customers DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let change = creation(new_customer());
    let save = tokio::spawn({
        let (customers, change) = (remote.database.customers.clone(), change.clone());
        async move { customers.save(&change, Beside::default()).await }
    });
    remote.direct.until_somebody_waits("PgSleep").await;
    remote.proxy.cut();
    remote.proxy.mend();
    // Made again, it would be told that its own id is taken.
    let cut = save.await.unwrap();
    assert!(
        matches!(&cut, Err(SaveError::Store(StoreError::Unavailable(why))) if why.contains("committing")),
        "{cut:?}"
    );
    assert_eq!(remote.direct.until_found(change.customer().id()).await, *change.customer());
}

#[tokio::test]
async fn a_deadlock_is_tried_again_and_nobody_notices() {
    let db = Fixture::postgresql().await;
    let [first, second] = [db.save(&creation(new_customer())).await, db.save(&creation(new_customer())).await];
    // A save takes the customer's row, then waits for the events; somebody holds them and then wants the row.
    let mut other = db.raw();
    other.batch_execute("SET deadlock_timeout = '10s'; BEGIN; LOCK TABLE events IN EXCLUSIVE MODE").unwrap();
    let change = crate::making::regenerated(&first, 1, 1);
    let save = tokio::spawn({
        let (customers, change) = (db.database.customers.clone(), change.clone());
        async move { customers.save(&change, Beside::default()).await }
    });
    db.until_somebody_waits("Lock").await;
    let row = db.literal(first.id().uuid());
    let wait = tokio::task::spawn_blocking(move || {
        other.batch_execute(&format!("SELECT id FROM customers WHERE id = {row} FOR UPDATE; COMMIT"))
    });
    bounded(save).await.unwrap().unwrap();
    wait.await.unwrap().unwrap();
    assert_eq!(db.find(first.id()).await.as_ref(), Some(change.customer()));
    assert_eq!(db.find(second.id()).await, Some(second));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let db = Fixture::sqlite().await;
    let path = db.url.sqlite_path().unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", path.display());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_sqlite_file_that_cannot_be_made_is_told_at_once() {
    let url = DatabaseUrl::parse("sqlite:/nowhere/at/all/customers.db").unwrap();
    let refused = connect(&url).await.err();
    assert!(matches!(&refused, Some(StoreError::Unavailable(why)) if why.contains("/nowhere")), "{refused:?}");
}
