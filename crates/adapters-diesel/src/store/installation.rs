//! The installation: readiness and the secret key's check value.

use async_trait::async_trait;
use diesel::prelude::*;
use ports::{Digest, InstallationRepository, Readiness, StoreError};

use super::{Connection, Failure, Store, migrations, write};
use crate::schema::secret_check;

/// The key of the one row.
const ROW: i16 = 1;

#[async_trait]
impl InstallationRepository for Store {
    async fn readiness(&self) -> Result<Readiness, StoreError> {
        let pending = self.readers.run(migrations::pending).await?;
        Ok(if pending.is_empty() { Readiness::Ready } else { Readiness::MigrationsPending })
    }

    async fn secret_check(&self, check: Digest) -> Result<Digest, StoreError> {
        if let Some(stored) = self.readers.run(find).await? {
            return Ok(stored);
        }
        self.writers.run(move |connection| write(connection, |connection| insert(connection, check))).await
    }

    async fn replace_secret_check(&self, old: Digest, new: Digest) -> Result<Digest, StoreError> {
        self.writers
            .run(move |connection| {
                write(connection, |connection| {
                    diesel::update(secret_check::table.filter(secret_check::digest.eq(old.0.as_slice())))
                        .set(secret_check::digest.eq(new.0.as_slice()))
                        .execute(connection)?;
                    find(connection)?.ok_or_else(not_stored)
                })
            })
            .await
    }
}

fn find(connection: &mut Connection) -> Result<Option<Digest>, Failure> {
    let stored: Option<Vec<u8>> =
        secret_check::table.find(ROW).select(secret_check::digest).first(connection).optional()?;
    stored.map(|digest| digest.try_into().map(Digest).map_err(|_| corrupt())).transpose()
}

fn insert(connection: &mut Connection, check: Digest) -> Result<Digest, Failure> {
    diesel::insert_into(secret_check::table)
        .values((secret_check::id.eq(ROW), secret_check::digest.eq(check.0.as_slice())))
        .on_conflict(secret_check::id)
        .do_nothing()
        .execute(connection)?;
    find(connection)?.ok_or_else(not_stored)
}

fn not_stored() -> Failure {
    Failure::Rejected("the secret's check value was not stored".to_owned())
}

fn corrupt() -> Failure {
    Failure::Corrupt { table: "secret_check", column: "digest", id: ROW.to_string() }
}
