//! SQLite: one writer, a pool of readers, a file in WAL mode.

use std::fs::OpenOptions;
use std::path::Path;
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use diesel::{Connection as _, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use ports::StoreError;
use tokio::task::spawn_blocking;

use crate::bulk::{Bulk, InsertEvent, InsertOne, Known, Placed, Replace, ReplaceOne, TakePositions};
use crate::failure::Failure;
use crate::lane::Lane;
use crate::schema::{deliveries, erased_customers};
use crate::slack::{TOO_MANY_PAGES, cleaned};
use crate::sql_types::RowId;

#[path = "store/mod.rs"]
mod store;

use store::{Store, write};

type Backend = diesel::sqlite::Sqlite;
type Connection = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How many tables there are of the name that is bound.
const COUNT_TABLES: &str = "SELECT count(*) AS number FROM sqlite_master WHERE type = 'table' AND name = $1";

/// The database's own clock, and the end of a lease that is taken now ([`ports::LEASE_TIME`]).
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
const LEASE_END: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER) + 30000";

/// What every connection is set to. A commit is on the disk when it returns (`synchronous = FULL`); a lock that
/// another process holds is waited for, but not for ever; what is deleted is overwritten where it lies (see `scrub`). The log of
/// writes is emptied into the file after 32 MiB: at the usual 4, a busy service did so thirty times a second.
const SETTINGS: &str = "PRAGMA busy_timeout = 2000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
     PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000; \
     PRAGMA secure_delete = ON; \
     PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864;";

/// See `begin`.
const NO_PATIENCE: &str = "PRAGMA busy_timeout = 0";

/// The longest that the switch to WAL mode is tried, in steps of [`WAL_STEP`]: while another process does the same,
/// SQLite refuses at once whatever the busy timeout.
const WAL_STEPS: u32 = 200;
const WAL_STEP: Duration = Duration::from_millis(10);

/// Opens the file, which is made where there is none, and the writer on it.
pub(crate) async fn connect(path: &Path) -> Result<Store, StoreError> {
    // A name that SQLite can take for nothing but a path: it knows URIs and the name ":memory:".
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let name = path.to_str().ok_or_else(|| StoreError::Rejected("the path is not UTF-8".to_owned()))?.to_owned();
    let (writer, reader) = (name.clone(), name);
    // A file that cannot be opened is told at once and as it is; a pool would try for a while.
    let made = spawn_blocking(move || {
        make_private(&path)?;
        open(&writer).map(|_| writer)
    });
    let writer = made.await.map_err(|error| StoreError::Rejected(error.to_string()))??;
    let writers = Lane::new(1, move || {
        let mut connection = open(&writer)?;
        // Its transactions wait for the lock by themselves.
        connection.batch_execute(NO_PATIENCE)?;
        Ok(connection)
    });
    let size = available_parallelism().map_or(4, |cores| cores.get().clamp(2, 8));
    let readers = Lane::new(u8::try_from(size).unwrap_or(8), move || {
        let mut connection = open(&reader)?;
        connection.batch_execute("PRAGMA query_only = ON")?;
        Ok(connection)
    });
    let lanes = (readers, writers);
    Ok(Store::new(lanes.clone(), lanes, 1))
}

/// Customers' data are nobody else's: a new file is its owner's alone. SQLite gives its other files the same mode.
fn make_private(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::Unavailable(format!("cannot make {}: {error}", path.display()))),
    }
}

fn open(name: &str) -> Result<Connection, Failure> {
    let mut connection = SqliteConnection::establish(name)
        .map_err(|error| Failure::Unavailable(format!("cannot open {name}: {error}")))?;
    connection.batch_execute(SETTINGS)?;
    for _ in 0..WAL_STEPS {
        match connection.batch_execute("PRAGMA journal_mode = WAL").map_err(Failure::from) {
            Err(Failure::Unavailable(_)) => sleep(WAL_STEP),
            done => return done.map(|()| connection),
        }
    }
    Err(Failure::Unavailable(format!("{name} is locked")))
}

/// How long the write lock of another process is waited for, and how often it is tried. SQLite's own patience tries it ten
/// times a second, and a process that writes one batch after the other leaves it free for moments only.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_STEP: Duration = Duration::from_millis(1);

/// How a write transaction begins. It takes the write lock at its start: one that read first could not, were another faster.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// The same for one of several changes.
const BEGIN_TOGETHER: &str = BEGIN;

/// Begins a write transaction.
fn begin(connection: &mut Connection, statement: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    while let Err(failure) = AnsiTransactionManager::begin_transaction_sql(connection, statement) {
        let failure = Failure::from(failure);
        if !failure.is_of_a_lock() || begun.elapsed() > LOCK_WAIT {
            return Err(failure);
        }
        sleep(LOCK_STEP);
    }
    Ok(())
}

/// Takes out of the file's pages what was left in them of rows that lie elsewhere by now or were removed, and empties the
/// log of writes into the file, so that no page from before is left in it. It is done where somebody was erased since it
/// was done last.
async fn scrub(readers: &Lane<Connection>, writers: &Lane<Connection>) -> Result<bool, StoreError> {
    let Some(erased) = readers.run(erased_since).await? else { return Ok(true) };
    // SQLite may give a page another number when it spreads rows, one that was gone through: then it is met on the way back.
    let mut page = 1;
    while scrub_pages(readers, writers, page).await? {
        page += PAGES;
    }
    while page > 1 {
        page -= PAGES;
        scrub_pages(readers, writers, page).await?;
    }
    let end = move |connection: &mut Connection| {
        if !empty_log(connection)? {
            return Ok(false);
        }
        write(connection, |connection| set_user_version(connection, erased))?;
        // The number is in the log now, which is to be left empty. Where a reader is in the way it is not, and that is no
        // harm: nothing of anybody is in the page that holds the number.
        empty_log(connection).map(|_| true)
    };
    writers.run(end).await
}

/// The same for [`PAGES`] pages from this one on; `false` where there are none.
async fn scrub_pages(readers: &Lane<Connection>, writers: &Lane<Connection>, from: i64) -> Result<bool, StoreError> {
    let begun = Instant::now();
    let Some(stale) = readers.run(move |connection| stale_pages(connection, from)).await? else { return Ok(false) };
    if !stale.is_empty() {
        writers.run(move |connection| write(connection, |connection| clean(connection, &stale))).await?;
    }
    // A large file takes seconds, in which requests are not to miss a processor.
    tokio::time::sleep((begun.elapsed() * REST).min(LONGEST_REST)).await;
    Ok(true)
}

/// How many customers were ever erased, where it is not the number of them when the last pass that came to its end began.
/// That is kept as SQLite's `user_version`, so that whoever starts knows whether a pass was interrupted.
fn erased_since(connection: &mut Connection) -> Result<Option<i32>, Failure> {
    let erased: i64 = erased_customers::table.count().get_result(connection)?;
    let erased = i32::try_from(erased).unwrap_or(i32::MAX);
    Ok((user_version(connection)? != erased).then_some(erased))
}

fn user_version(connection: &mut Connection) -> Result<i32, Failure> {
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        user_version: i32,
    }
    Ok(diesel::sql_query("PRAGMA user_version").get_result::<Version>(connection)?.user_version)
}

fn set_user_version(connection: &mut Connection, version: i32) -> Result<(), Failure> {
    Ok(connection.batch_execute(&format!("PRAGMA user_version = {version}"))?)
}

/// How many pages are looked at at once: a read of a millisecond or two, and a write of no more.
const PAGES: i64 = 250;
/// The pause after it, in the time that it took: a quarter of one processor goes to it at most.
const REST: u32 = 3;
/// The longest, where most of that time was spent waiting.
const LONGEST_REST: Duration = Duration::from_millis(20);

#[derive(QueryableByName)]
struct Page {
    #[diesel(sql_type = BigInt)]
    pgno: i64,
    #[diesel(sql_type = Binary)]
    data: Vec<u8>,
}

/// Those of the pages from this one on in whose unused part something is left; `None` where there are no more pages.
fn stale_pages(connection: &mut Connection, from: i64) -> Result<Option<Vec<i64>>, Failure> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        page_count: i64,
    }
    let Count { page_count } = diesel::sql_query("PRAGMA page_count").get_result(connection)?;
    if page_count >= TOO_MANY_PAGES {
        return Err(Failure::Rejected("the file is too large to be scrubbed".to_owned()));
    }
    if from > page_count {
        return Ok(None);
    }
    let pages = diesel::sql_query(PAGES_FROM_TO).bind::<BigInt, _>(from).bind::<BigInt, _>(from + PAGES - 1);
    let pages: Vec<Page> = pages.load(connection)?;
    let is_stale = |page: &Page| cleaned(page.pgno, &page.data).is_some();
    Ok(Some(pages.into_iter().filter(is_stale).map(|page| page.pgno).collect()))
}

/// Each is looked up by its number: a range would be found by going through all pages.
const PAGES_FROM_TO: &str = "WITH RECURSIVE numbers (n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $2) \
     SELECT pgno, data FROM numbers CROSS JOIN sqlite_dbpage WHERE pgno = n AND schema = 'main'";

/// Writes these pages anew without what was left in them, as they are now.
fn clean(connection: &mut Connection, stale: &[i64]) -> Result<(), Failure> {
    for number in stale {
        let page = "SELECT pgno, data FROM sqlite_dbpage WHERE pgno = $1 AND schema = 'main'";
        let page: Option<Page> = diesel::sql_query(page).bind::<BigInt, _>(number).get_result(connection).optional()?;
        if let Some(cleaned) = page.and_then(|page| cleaned(page.pgno, &page.data)) {
            let update = diesel::sql_query("UPDATE sqlite_dbpage SET data = $1 WHERE pgno = $2 AND schema = 'main'");
            update.bind::<Binary, _>(cleaned).bind::<BigInt, _>(number).execute(connection)?;
        }
    }
    Ok(())
}

/// Readers of the log are not waited for long.
fn empty_log(connection: &mut Connection) -> Result<bool, Failure> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        busy: i32,
    }
    connection.batch_execute("PRAGMA busy_timeout = 100")?;
    let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(connection);
    connection.batch_execute(NO_PATIENCE)?;
    Ok(done?.busy == 0)
}

/// Inserts those of the rows that collide with nothing, and says which they are.
fn insert_new<R: Bulk>(connection: &mut Connection, rows: &[&R]) -> Result<Vec<bool>, Failure> {
    rows.iter().map(|row| Ok(InsertOne(*row).execute(connection)? == 1)).collect()
}

/// Replaces those of the rows that are stored at these versions, and says which they are.
fn replace_each<R: Replace>(connection: &mut Connection, rows: &[(&R, i64)]) -> Result<Vec<bool>, Failure> {
    let replace = |(row, version): &(&R, i64)| {
        let replaced = ReplaceOne { row: *row, version: *version }.execute(connection)?;
        Ok(replaced == 1)
    };
    rows.iter().map(replace).collect()
}

/// Inserts events with their positions: one transaction writes after the other, so that whoever takes positions later also
/// commits later. `None` where something of `unless` may be known, each of which is looked up by itself: that costs no round
/// trip here. Where they come after others, it is asked whether any of those has no position.
fn insert_events<R: Placed>(
    connection: &mut Connection,
    events: &[&R],
    unless: &Known,
    after_others: bool,
    is_any_unplaced: impl Fn(&mut Connection) -> Result<bool, Failure>,
) -> Result<Option<Vec<bool>>, Failure> {
    if !unless.is_empty() {
        return Ok(None);
    }
    if after_others && is_any_unplaced(connection)? {
        return insert_new(connection, events).map(Some);
    }
    let number = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let first: i64 = TakePositions { number }.get_result(connection)?;
    let insert = |(position, event): (i64, &&R)| Ok(InsertEvent { event: *event, position }.execute(connection)? == 1);
    Ok(Some((first..).zip(events).map(insert).collect::<Result<_, Failure>>()?))
}

/// Reads what is asked for by many keys: by each of them, since a list of any length would be a statement of its own.
fn read_all<K, T>(
    connection: &mut Connection,
    keys: &[K],
    _: impl Fn(&mut Connection, &[K]) -> QueryResult<Vec<T>>,
    by_one: impl Fn(&mut Connection, &K) -> QueryResult<Vec<T>>,
) -> QueryResult<Vec<T>> {
    let mut read = Vec::with_capacity(keys.len());
    for key in keys {
        read.append(&mut by_one(connection, key)?);
    }
    Ok(read)
}

/// Several reads of one state. To begin and end each by itself would cost as much as the read.
fn reading<T>(
    connection: &mut Connection,
    reads: usize,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if reads == 1 { work(connection) } else { connection.transaction(work) }
}

/// Nobody else writes while a transaction does.
#[expect(clippy::unnecessary_wraps, reason = "on PostgreSQL it can fail")]
fn lock_customers(_: &mut Connection, _: &[RowId]) -> Result<(), Failure> {
    Ok(())
}

/// The same.
#[expect(clippy::unnecessary_wraps, reason = "on PostgreSQL it can fail")]
fn lock_for_removal(_: &mut Connection, _: RowId) -> Result<(), Failure> {
    Ok(())
}

/// The first pending delivery to an endpoint of each of these customers.
fn first_pending(connection: &mut Connection, endpoint: RowId, customers: &[RowId]) -> Result<Vec<RowId>, Failure> {
    let mut found = Vec::with_capacity(customers.len());
    for customer in customers {
        let pending = deliveries::table
            .filter(deliveries::endpoint_id.eq(endpoint))
            .filter(deliveries::customer_id.eq(customer))
            .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
            .filter(deliveries::repeat.is_null());
        let first = pending.order(deliveries::position).select(deliveries::id).first(connection);
        let first: Option<RowId> = first.optional()?;
        found.extend(first);
    }
    Ok(found)
}

/// The transaction that migrations run in: the write lock is the one that other processes wait for.
fn migration_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection.batch_execute("PRAGMA busy_timeout = 30000")?;
    let result = connection.immediate_transaction(work);
    connection.batch_execute(NO_PATIENCE)?;
    result
}
