//! Running migrations, and knowing whether any is pending.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::MigrationHarness;
use ports::StoreError;

use super::{Backend, COUNT_TABLES, Connection, Failure, MIGRATIONS, Store, migration_transaction};
use crate::Migrations;

/// Longer than others may hold the lock, and than the migrations take.
const LIMIT: Duration = Duration::from_secs(75);

/// The table that diesel keeps.
const APPLIED: &str = "__diesel_schema_migrations";

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[async_trait]
impl Migrations for Store {
    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        if self.readers.run(pending).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.writers.run_within(LIMIT, |connection| migration_transaction(connection, run_pending)).await
    }
}

/// The names of this release's migrations that were not run. Unlike diesel's own look, this one makes no table and
/// takes no lock.
pub(super) fn pending(connection: &mut Connection) -> Result<Vec<String>, Failure> {
    let tables: Count = diesel::sql_query(COUNT_TABLES).bind::<Text, _>(APPLIED).get_result(connection)?;
    let applied: HashSet<String> = if tables.number == 0 {
        HashSet::new()
    } else {
        __diesel_schema_migrations::table
            .select(__diesel_schema_migrations::version)
            .load(connection)?
            .into_iter()
            .collect()
    };
    let migrations = MigrationSource::<Backend>::migrations(&MIGRATIONS).map_err(refused)?;
    Ok(migrations
        .iter()
        .filter(|migration| !applied.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect())
}

fn run_pending(connection: &mut Connection) -> Result<Vec<String>, Failure> {
    let pending = connection.pending_migrations(MIGRATIONS).map_err(refused)?;
    let run = |migration: Box<dyn Migration<Backend>>| {
        connection.run_migration(&*migration).map_err(refused)?;
        Ok(migration.name().to_string())
    };
    pending.into_iter().map(run).collect()
}

/// A migration's error is known by its message only.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn refused(error: Box<dyn Error + Send + Sync>) -> Failure {
    Failure::from_message(&error.to_string())
}
