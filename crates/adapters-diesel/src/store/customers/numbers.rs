//! What is remembered of numbers that were given up.

use diesel::prelude::*;
use domain::NumberMemory;
use ports::{Digest, KeyedHash};
use uuid::Uuid;

use super::{Connection, Failure};
use crate::row::{Row, read_times, write_times};
use crate::schema::number_memories;
use crate::sql_types::RowInstant;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = number_memories)]
pub(super) struct MemoryRow {
    number: Vec<u8>,
    wrong_tries: String,
    tokens: String,
    forgotten_at: RowInstant,
}

impl MemoryRow {
    /// The row; none where there is nothing to remember.
    pub(super) fn of(number: &Digest, memory: &NumberMemory) -> Option<Self> {
        Some(Self {
            number: number.0.to_vec(),
            wrong_tries: write_times(&memory.wrong_tries),
            tokens: write_times(&memory.tokens),
            forgotten_at: memory.forgotten_at()?.into(),
        })
    }

    /// Stores what is to be remembered. Tokens are added to those that are: whoever held the number since his memory was read
    /// has left his too. Only one holds it at a time, so nobody else adds anything meanwhile.
    pub(super) fn store(&self, connection: &mut Connection) -> Result<(), Failure> {
        let known: Option<String> =
            number_memories::table.find(&self.number).select(number_memories::tokens).first(connection).optional()?;
        let tokens = [self.tokens.as_str(), known.as_deref().unwrap_or_default()].map(read_times);
        let mut tokens = tokens.into_iter().flatten().flatten().collect::<Vec<_>>();
        tokens.sort_unstable();
        tokens.dedup();
        let row = Self {
            number: self.number.clone(),
            wrong_tries: self.wrong_tries.clone(),
            tokens: write_times(&tokens),
            forgotten_at: self.forgotten_at,
        };
        diesel::insert_into(number_memories::table)
            .values(&row)
            .on_conflict(number_memories::number)
            .do_update()
            .set(&row)
            .execute(connection)?;
        Ok(())
    }
}

pub(super) fn find(connection: &mut Connection, number: KeyedHash) -> Result<NumberMemory, Failure> {
    let hashes: Vec<Vec<u8>> = number.all().iter().map(|hash| hash.0.to_vec()).collect();
    let rows: Vec<MemoryRow> = number_memories::table
        .filter(number_memories::number.eq_any(hashes))
        .select(MemoryRow::as_select())
        .load(connection)?;
    let mut memory = NumberMemory::default();
    for stored in rows {
        // The hash tells nobody anything.
        let row = Row::new("number_memories", Uuid::nil());
        memory.wrong_tries.extend(row.parsed("wrong_tries", read_times(&stored.wrong_tries))?);
        memory.tokens.extend(row.parsed("tokens", read_times(&stored.tokens))?);
    }
    memory.wrong_tries.sort_unstable();
    memory.tokens.sort_unstable();
    Ok(memory)
}
