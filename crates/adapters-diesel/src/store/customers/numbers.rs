//! What is remembered of numbers that were given up.

use diesel::prelude::*;
use domain::NumberMemory;
use ports::KeyedHash;
use uuid::Uuid;

use super::{Connection, Failure, read_all, reading};
use crate::gather::Question;
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

/// What is remembered of this number.
pub(in super::super) struct FindNumberMemory(pub(super) KeyedHash);

impl Question<Connection> for FindNumberMemory {
    type Answer = NumberMemory;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let numbers: Vec<&KeyedHash> = questions.iter().map(|question| &question.0).collect();
        let hashes = numbers.iter().map(|number| number.all().len()).sum();
        let found = reading(connection, hashes, |connection| find_each(connection, &numbers))?;
        Ok(found.into_iter().map(Some).collect())
    }
}

/// What is remembered of each of these numbers, under any of its hashes.
pub(super) fn find_each(connection: &mut Connection, numbers: &[&KeyedHash]) -> Result<Vec<NumberMemory>, Failure> {
    let hashes: Vec<Vec<u8>> = numbers.iter().flat_map(|number| hashes(number)).collect();
    let rows: Vec<MemoryRow> = read_all(
        connection,
        &hashes,
        |connection, hashes| {
            let rows = number_memories::table.filter(number_memories::number.eq_any(hashes));
            rows.select(MemoryRow::as_select()).load(connection)
        },
        |connection, hash| number_memories::table.find(hash).select(MemoryRow::as_select()).load(connection),
    )?;
    let mut memories = vec![NumberMemory::default(); numbers.len()];
    // Most often nothing is remembered of any.
    for stored in rows {
        // The hash tells nobody anything.
        let row = Row::new("number_memories", Uuid::nil());
        let found = NumberMemory {
            wrong_tries: row.parsed("wrong_tries", read_times(&stored.wrong_tries))?,
            tokens: row.parsed("tokens", read_times(&stored.tokens))?,
        };
        for (number, memory) in numbers.iter().zip(&mut memories) {
            if number.all().iter().any(|hash| hash.0.as_slice() == stored.number) {
                *memory = memory.united(&found);
            }
        }
    }
    Ok(memories)
}

/// The same, and it is remembered no more.
pub(super) fn take(connection: &mut Connection, number: &KeyedHash) -> Result<NumberMemory, Failure> {
    let memory = find_each(connection, &[number])?.pop().unwrap_or_default();
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
