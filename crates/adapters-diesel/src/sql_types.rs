//! Column types that the two databases spell differently, and the values that stand in them.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, SqlType, Timestamptz, Uuid as PgUuid};
use diesel::sqlite::{Sqlite, SqliteValue};
use domain::Timestamp;
use uuid::Uuid;

/// A UUID: `UUID` on PostgreSQL, its 16 bytes on SQLite. The type's numbers are PostgreSQL's own, given here so that a
/// new connection need not ask for them.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct Id;

/// A time: `TIMESTAMPTZ` on PostgreSQL, milliseconds since 1970 on SQLite.
#[derive(SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct Instant;

/// The value of an [`Id`] column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id)]
pub struct RowId(pub Uuid);

/// The value of an [`Instant`] column: `None` where what is stored is no time that can be read, so that the row it
/// stands in can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub struct RowInstant(pub Option<Timestamp>);

impl From<Timestamp> for RowInstant {
    fn from(time: Timestamp) -> Self {
        Self(Some(time))
    }
}

impl ToSql<Id, Pg> for RowId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<PgUuid, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Id, Pg> for RowId {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<PgUuid, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<Id, Sqlite> for RowId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Id, Sqlite> for RowId {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes: Vec<u8> = FromSql::<Binary, Sqlite>::from_sql(value)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<Instant, Pg> for RowInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let time = self.0.as_ref().ok_or("an unreadable time is not written back")?;
        ToSql::<Timestamptz, Pg>::to_sql(time, out)
    }
}

impl FromSql<Instant, Pg> for RowInstant {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(FromSql::<Timestamptz, Pg>::from_sql(value).ok()))
    }
}

impl ToSql<Instant, Sqlite> for RowInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let time = self.0.ok_or("an unreadable time is not written back")?;
        out.set_value(time.timestamp_millis());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for RowInstant {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        FromSql::<BigInt, Sqlite>::from_sql(value)
            .map(|milliseconds| Self(Timestamp::from_timestamp_millis(milliseconds)))
    }
}
