//! PostgreSQL: one pool for reads and writes, connected when it is needed.

use std::num::NonZero;
use std::thread::available_parallelism;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::Array;
use diesel::{Connection as _, PgConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use ports::StoreError;

use crate::bulk::{Bulk, InsertEvents, InsertNew, Known, Placed, Replace, ReplaceAll};
use crate::failure::Failure;
use crate::lane::Lane;
use crate::schema::customers;
use crate::sql_types::{Id, RowId};

#[path = "store/mod.rs"]
mod store;

use store::Store;

type Backend = diesel::pg::Pg;
type Connection = PgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgresql");

/// How many tables there are of the name that is bound, where unqualified names are looked up: none or one.
const COUNT_TABLES: &str = "SELECT count(to_regclass($1)) AS number";

/// The database's own clock, and the end of a lease that is taken now ([`ports::LEASE_TIME`]).
const NOW: &str = "clock_timestamp()";
const LEASE_END: &str = "clock_timestamp() + interval '30 seconds'";

/// No statement and no wait for a lock is longer than a caller would wait. The wait for a lock is longer than the
/// second after which PostgreSQL looks for a deadlock, so that one is told and tried again.
const SETTINGS: &str =
    "SET statement_timeout = 5000; SET lock_timeout = 2000; SET idle_in_transaction_session_timeout = 15000";

/// A plan that was made for a small table is kept until the server counts its rows again, which may be a minute and a
/// hundred thousand rows later. Where a statement is about many rows, to plan it each time is cheaper.
const FRESH_PLANS: &str = "SET plan_cache_mode = force_custom_plan";
/// Connections for deliveries: each receiver's worker does one thing at a time, and does not wait behind requests.
const DELIVERY_CONNECTIONS: u8 = 4;

/// How many batches of a kind are under way at the same time at most. The fewer there are, the more each does: on two cores
/// one connection was the fastest for reads and for changes, by a third.
const MOST_ROUNDS: usize = 4;

/// The advisory lock of those who migrate; the number means nothing.
const LOCK_MIGRATIONS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 30000; \
     SELECT pg_advisory_xact_lock(4916032177)";
/// A statement that changes a table waits for those who use it, and all others wait behind it: it had better fail.
const MIGRATION_SETTINGS: &str = "SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 3000";

/// A store on the server of `url`, which may be down yet.
pub(crate) fn connect(url: &str) -> Store {
    let cores = available_parallelism().map_or(2, NonZero::get);
    let size = (cores * 4).clamp(8, 16);
    let (of_requests, of_deliveries) = (url.to_owned(), url.to_owned());
    let requests = Lane::new(u8::try_from(size).unwrap_or(16), move || open(&of_requests));
    let deliveries = Lane::new(DELIVERY_CONNECTIONS, move || {
        let mut connection = open(&of_deliveries)?;
        connection.batch_execute(FRESH_PLANS)?;
        Ok(connection)
    });
    Store::new((requests.clone(), requests), (deliveries.clone(), deliveries), cores.div_ceil(4).min(MOST_ROUNDS))
}

fn open(url: &str) -> Result<Connection, Failure> {
    let mut connection = PgConnection::establish(url).map_err(|error| Failure::Unavailable(error.to_string()))?;
    connection.batch_execute(SETTINGS)?;
    Ok(connection)
}

/// How a write transaction begins. Read committed is enough, and is said whatever the server's default: unique constraints
/// and version checks do not read before they write.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// The same for one of several changes: one that waits for a lock keeps up all of them. It is done again by itself, with
/// more patience.
const BEGIN_TOGETHER: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 1000";

/// Begins a write transaction.
fn begin(connection: &mut Connection, statement: &str) -> Result<(), Failure> {
    Ok(AnsiTransactionManager::begin_transaction_sql(connection, statement)?)
}

/// Inserts those of the rows that collide with nothing, and says which they are.
fn insert_new<R: Bulk>(connection: &mut Connection, rows: &[&R]) -> Result<Vec<bool>, Failure> {
    each(rows, || R::load(InsertNew::<R>(R::lists(rows.iter().copied())), connection))
}

/// Replaces those of the rows that are stored at these versions, and says which they are.
fn replace_each<R: Replace>(connection: &mut Connection, rows: &[(&R, i64)]) -> Result<Vec<bool>, Failure> {
    let (rows, versions): (Vec<&R>, Vec<i64>) = rows.iter().copied().unzip();
    let lists = R::lists(rows.iter().copied());
    each(&rows, || R::load(ReplaceAll::<R> { lists, versions }, connection))
}

/// Inserts events with their positions, if those can be had without waiting: the counter is this transaction's until it
/// commits, so that whoever takes positions later also commits later. `None` where something of `unless` is known, or all
/// ids are taken: nothing is stored.
fn insert_events<R: Placed>(
    connection: &mut Connection,
    events: &[&R],
    unless: &Known,
    after_others: bool,
    _: impl Fn(&mut Connection) -> Result<bool, Failure>,
) -> Result<Option<Vec<bool>>, Failure> {
    let number = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let lists = R::lists(events.iter().copied());
    let inserted = each(events, || R::load(InsertEvents::<R> { lists, number, after_others, unless }, connection))?;
    Ok(inserted.contains(&true).then_some(inserted))
}

/// Which of the rows are among those whose keys a statement returns.
fn each<R: Bulk>(rows: &[&R], done: impl FnOnce() -> QueryResult<Vec<R::Key>>) -> Result<Vec<bool>, Failure> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let done = done()?;
    let all = done.len() == rows.len();
    Ok(rows.iter().map(|row| all || done.contains(row.key())).collect())
}

/// Reads what is asked for by many keys, in one round trip.
fn read_all<K, T>(
    connection: &mut Connection,
    keys: &[K],
    by_all: impl Fn(&mut Connection, &[K]) -> QueryResult<Vec<T>>,
    _: impl Fn(&mut Connection, &K) -> QueryResult<Vec<T>>,
) -> QueryResult<Vec<T>> {
    if keys.is_empty() { Ok(Vec::new()) } else { by_all(connection, keys) }
}

/// Reads, each of the state that it finds.
fn reading<T>(
    connection: &mut Connection,
    _: usize,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    work(connection)
}

/// What was deleted goes with the server's own vacuum.
async fn scrub(_: &Lane<Connection>, _: &Lane<Connection>) -> Result<bool, StoreError> {
    Ok(true)
}

/// Locks rows that are to be changed, in one order: an update of many takes them in the order of its plan, so that two
/// could wait for each other.
fn lock_customers(connection: &mut Connection, ids: &[RowId]) -> Result<(), Failure> {
    let rows = customers::table.filter(customers::id.eq_any(ids)).order(customers::id).select(customers::id);
    rows.for_no_key_update().load::<RowId>(connection)?;
    Ok(())
}

/// Locks the row of a customer who is to be removed, against those too who are storing what belongs to it. Whoever removed
/// that first and the row last would wait for them while they wait for him.
fn lock_for_removal(connection: &mut Connection, customer: RowId) -> Result<(), Failure> {
    customers::table.find(customer).select(customers::id).for_update().load::<RowId>(connection)?;
    Ok(())
}

/// The first pending delivery to an endpoint of each of these customers. Of a table that has grown quickly the server has
/// no idea yet, and takes any index for as good as another. So each customer is looked up by himself, and the endpoint is
/// compared in a way that no index serves: only the index of what is pending remains.
fn first_pending(connection: &mut Connection, endpoint: RowId, customers: &[RowId]) -> Result<Vec<RowId>, Failure> {
    let found = diesel::sql_query(FIRST_PENDING).bind::<Id, _>(endpoint).bind::<Array<Id>, _>(customers);
    Ok(found.load::<Found>(connection)?.into_iter().map(|found| found.id).collect())
}

const FIRST_PENDING: &str = "SELECT first.id FROM unnest(CAST($2 AS UUID[])) AS customers (id) CROSS JOIN LATERAL \
     (SELECT id FROM deliveries WHERE customer_id = customers.id AND (endpoint_id = $1) IS TRUE \
          AND accepted_at IS NULL AND failed_at IS NULL AND repeat IS NULL ORDER BY position LIMIT 1) AS first";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Id)]
    id: RowId,
}

/// The transaction that migrations run in, under the lock that other processes wait for.
fn migration_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection.build_transaction().read_committed().run(|connection| {
        connection.batch_execute(LOCK_MIGRATIONS)?;
        connection.batch_execute(MIGRATION_SETTINGS)?;
        work(connection)
    })
}
