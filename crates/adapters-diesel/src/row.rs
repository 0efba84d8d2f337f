//! Reading a row: what does not parse is told by its table, column and key.

use chrono::{DateTime, Datelike};
use diesel::result::{DeserializeFieldError, Error};
use domain::Timestamp;
use ports::Digest;
use uuid::Uuid;

use crate::failure::Failure;
use crate::sql_types::RowInstant;

/// The row that is being read.
pub(crate) struct Row {
    table: &'static str,
    id: Uuid,
}

impl Row {
    /// The row of `table` with this key.
    pub(crate) fn new(table: &'static str, id: Uuid) -> Self {
        Self { table, id }
    }

    /// That `column` does not parse.
    pub(crate) fn corrupt(&self, column: &'static str) -> Failure {
        Failure::Corrupt { table: self.table, column, id: self.id.to_string() }
    }

    /// What reading the row failed with, where a text that is not UTF-8 (SQLite does not check) is told like any other
    /// value that does not parse.
    pub(crate) fn unreadable(&self, error: Error, texts: &[&'static str]) -> Failure {
        let column = match &error {
            Error::DeserializationError(error) => error
                .downcast_ref::<DeserializeFieldError>()
                .and_then(|error| texts.iter().find(|text| error.field_name.as_deref() == Some(text))),
            _ => None,
        };
        column.map_or_else(|| Failure::from(error), |column| self.corrupt(column))
    }

    /// The value of `column`, where it parsed.
    pub(crate) fn parsed<T>(&self, column: &'static str, value: Option<T>) -> Result<T, Failure> {
        value.ok_or_else(|| self.corrupt(column))
    }

    /// The value of a nullable `column`, where it is null or parses.
    pub(crate) fn optional<S, T>(
        &self,
        column: &'static str,
        stored: Option<S>,
        parse: impl FnOnce(S) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        stored.map(|stored| self.parsed(column, parse(stored))).transpose()
    }

    /// The time in `column`. The service writes times of its own day; one beyond the years that RFC 3339 can write
    /// is a hand's in the database, and sums with it would leave the range of times.
    pub(crate) fn time(&self, column: &'static str, stored: RowInstant) -> Result<Timestamp, Failure> {
        self.parsed(column, stored.0.filter(|time| (0..=9999).contains(&time.year())))
    }

    /// The time in a nullable `column`.
    pub(crate) fn optional_time(
        &self,
        column: &'static str,
        stored: Option<RowInstant>,
    ) -> Result<Option<Timestamp>, Failure> {
        self.optional(column, stored, |stored| stored.0)
    }

    /// The digest in `column`.
    pub(crate) fn digest(&self, column: &'static str, stored: &[u8]) -> Result<Digest, Failure> {
        self.parsed(column, stored.try_into().ok().map(Digest))
    }
}

/// Times in one column: milliseconds since 1970, a space between.
pub(crate) fn write_times(times: &[Timestamp]) -> String {
    let times: Vec<String> = times.iter().map(|time| time.timestamp_millis().to_string()).collect();
    times.join(" ")
}

/// What [`write_times`] wrote.
pub(crate) fn read_times(text: &str) -> Option<Vec<Timestamp>> {
    text.split_whitespace().map(|time| DateTime::from_timestamp_millis(time.parse().ok()?)).collect()
}
