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

use tokio::sync::Mutex;

use super::{
    Backend, COUNT_TABLES, Connection, LEASE_END, MIGRATIONS, NOW, first_pending, lock_customers, lock_for_removal,
    migration_transaction, scrub,
};
use crate::failure::Failure;
use crate::lane::Lane;

/// All ports over one database.
pub(crate) struct Store {
    readers: Lane<Connection>,
    writers: Lane<Connection>,
    /// The same for what is done for receivers of events: statements over many rows of tables that grow quickly.
    delivery_readers: Lane<Connection>,
    delivery_writers: Lane<Connection>,
    /// Held by whoever numbers events.
    numbering: Mutex<()>,
}

impl Store {
    /// A store whose reads and writes run on these lanes, each a pair which may be one.
    pub(super) fn new(
        (readers, writers): (Lane<Connection>, Lane<Connection>),
        (delivery_readers, delivery_writers): (Lane<Connection>, Lane<Connection>),
    ) -> Self {
        Self { readers, writers, delivery_readers, delivery_writers, numbering: Mutex::new(()) }
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
fn write<T>(
    connection: &mut Connection,
    mut work: impl FnMut(&mut Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        let mut committing = false;
        let result = super::transaction(connection, |connection| {
            let value = work(connection)?;
            committing = true;
            Ok(value)
        });
        match result {
            Err(Failure::Contended(_)) if tries < RETRIES => sleep(RETRY_WAIT * 2_u32.pow(tries)),
            Err(Failure::Lost(message)) if committing => return Err(Failure::InDoubt(message)),
            done => return done,
        }
        tries += 1;
    }
}
