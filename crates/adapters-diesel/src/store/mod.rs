//! The queries, compiled once for each database: `super` is the database.

mod api_keys;
mod cards;
mod customers;
mod deliveries;
mod endpoints;
mod events;
mod idempotency;
mod installation;
mod links;
mod migrations;
mod receivers;
mod retention;

use std::thread::sleep;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use tokio::sync::Mutex;

use self::api_keys::FindKey;
use self::customers::{FindCustomer, FindNumberMemory, Save};
use self::idempotency::FindRecord;
use self::links::{IssueLinks, LatestLinks};
use super::{
    BEGIN, BEGIN_TOGETHER, Backend, COUNT_TABLES, Connection, LEASE_END, MIGRATIONS, NOW, begin, first_pending,
    insert_events, insert_new, lock_customers, lock_for_removal, migration_transaction, read_all, reading,
    replace_each, scrub,
};
use crate::failure::Failure;
use crate::gather::Gathering;
use crate::lane::Lane;

/// All ports over one database.
pub(crate) struct Store {
    readers: Lane<Connection>,
    writers: Lane<Connection>,
    /// The same for what is done for receivers of events: statements over many rows of tables that grow quickly.
    delivery_readers: Lane<Connection>,
    delivery_writers: Lane<Connection>,
    /// What most requests ask for and change, done together with others of its kind.
    keys: Gathering<Connection, FindKey>,
    finds: Gathering<Connection, FindCustomer>,
    latest_links: Gathering<Connection, LatestLinks>,
    number_memories: Gathering<Connection, FindNumberMemory>,
    records: Gathering<Connection, FindRecord>,
    saves: Gathering<Connection, Save>,
    issues: Gathering<Connection, IssueLinks>,
    /// Held by whoever numbers events.
    numbering: Mutex<()>,
}

impl Store {
    /// A store whose reads and writes run on these lanes, each a pair which may be one. So many batches of a kind are
    /// under way at the same time.
    pub(super) fn new(
        (readers, writers): (Lane<Connection>, Lane<Connection>),
        (delivery_readers, delivery_writers): (Lane<Connection>, Lane<Connection>),
        rounds: usize,
    ) -> Self {
        Self {
            keys: Gathering::new(readers.clone(), rounds),
            finds: Gathering::new(readers.clone(), rounds),
            latest_links: Gathering::new(readers.clone(), rounds),
            number_memories: Gathering::new(readers.clone(), rounds),
            records: Gathering::new(readers.clone(), rounds),
            saves: Gathering::new(writers.clone(), rounds),
            issues: Gathering::new(writers.clone(), rounds),
            readers,
            writers,
            delivery_readers,
            delivery_writers,
            numbering: Mutex::new(()),
        }
    }
}

/// How often a transaction that met another is tried again.
const RETRIES: u32 = 5;
/// The wait before the first of them; each further one waits twice as long.
const RETRY_WAIT: Duration = Duration::from_millis(4);

/// One write transaction, tried again after a serialization failure or a deadlock. `work` must have no effect but on
/// the database.
///
/// A connection that is lost while the answer to the commit is awaited is told apart ([`Failure::InDoubt`]): what was
/// written may be stored, so that it must not be written again.
pub(super) fn write<T>(
    connection: &mut Connection,
    work: impl FnMut(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    write_from(BEGIN, connection, work)
}

/// The same for several changes at once.
fn write_together<T>(
    connection: &mut Connection,
    work: impl FnMut(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    write_from(BEGIN_TOGETHER, connection, work)
}

fn write_from<T>(
    beginning: &str,
    connection: &mut Connection,
    mut work: impl FnMut(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        begin(connection, beginning)?;
        let result = work(connection);
        let is_done = result.is_ok();
        let result = result.and_then(|value| {
            AnsiTransactionManager::commit_transaction(connection)?;
            Ok(value)
        });
        if !is_done {
            // Where it fails too, the connection says so when it is given back.
            drop(AnsiTransactionManager::rollback_transaction(connection));
        }
        match result {
            Err(Failure::Contended(_)) if tries < RETRIES => sleep(RETRY_WAIT * 2_u32.pow(tries)),
            Err(Failure::Lost(message)) if is_done => return Err(Failure::InDoubt(message)),
            done => return done,
        }
        tries += 1;
    }
}
