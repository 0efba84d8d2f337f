//! What is remembered of numbers that were given up.

use diesel::prelude::*;
use domain::NumberMemory;
use ports::KeyedHash;
use uuid::Uuid;

use super::{Connection, Failure};
use crate::row::{Row, read_times, write_times};
use crate::schema::number_memories;
use crate::sql_types::RowInstant;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = number_memories)]
struct MemoryRow {
    number: Vec<u8>,
    wrong_tries: String,
    tokens: String,
    forgotten_at: RowInstant,
}

/// What is remembered under any hash of the number.
pub(super) fn find(connection: &mut Connection, number: &KeyedHash) -> Result<NumberMemory, Failure> {
    let rows: Vec<MemoryRow> = number_memories::table
        .filter(number_memories::number.eq_any(hashes(number)))
        .select(MemoryRow::as_select())
        .load(connection)?;
    let mut memory = NumberMemory::default();
    for stored in rows {
        // The hash tells nobody anything.
        let row = Row::new("number_memories", Uuid::nil());
        memory = memory.united(&NumberMemory {
            wrong_tries: row.parsed("wrong_tries", read_times(&stored.wrong_tries))?,
            tokens: row.parsed("tokens", read_times(&stored.tokens))?,
        });
    }
    Ok(memory)
}

/// The same, and it is remembered no more.
pub(super) fn take(connection: &mut Connection, number: &KeyedHash) -> Result<NumberMemory, Failure> {
    let memory = find(connection, number)?;
    if !memory.is_empty() {
        let taken = number_memories::table.filter(number_memories::number.eq_any(hashes(number)));
        diesel::delete(taken).execute(connection)?;
    }
    Ok(memory)
}

/// Adds to what is remembered. Only who holds a number adds to its memory, so nobody else does meanwhile.
pub(super) fn add(connection: &mut Connection, number: &KeyedHash, memory: &NumberMemory) -> Result<(), Failure> {
    let memory = take(connection, number)?.united(memory);
    let Some(forgotten_at) = memory.forgotten_at() else { return Ok(()) };
    let row = MemoryRow {
        number: number.current.0.to_vec(),
        wrong_tries: write_times(&memory.wrong_tries),
        tokens: write_times(&memory.tokens),
        forgotten_at: forgotten_at.into(),
    };
    diesel::insert_into(number_memories::table).values(&row).execute(connection)?;
    Ok(())
}

fn hashes(number: &KeyedHash) -> Vec<Vec<u8>> {
    number.all().iter().map(|hash| hash.0.to_vec()).collect()
}
