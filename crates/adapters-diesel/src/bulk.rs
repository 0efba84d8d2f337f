//! Many rows in one go: those that can be are inserted, or replace what there is of them, and it is told which those are.
//!
//! PostgreSQL takes the columns as lists and picks the rows out of them by their places, so that the statement is the same
//! for any number of rows and is planned once (`unnest` of thirty lists costs twice as much); SQLite, which is in the process,
//! takes row by row. Its statements stand here too: diesel goes through an insert column by column each time, and has an
//! `UPDATE` prepared anew.

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use crate::sql_types::{Id, RowId};

/// A row that can be inserted with others. [`bulk!`] makes a row one.
pub(crate) trait Bulk: Sized + 'static {
    /// What a row is told by.
    type Key: PartialEq;
    /// The type of the key's column.
    type SqlKey;
    /// The columns of some rows.
    type Lists<'a>: Lists;

    const TABLE: &'static str;
    const KEY: &'static str;
    /// The columns, in the order of the lists.
    const COLUMNS: &'static [&'static str];

    /// This one's.
    fn key(&self) -> &Self::Key;

    fn lists<'a>(rows: impl IntoIterator<Item = &'a Self>) -> Self::Lists<'a>;

    /// What a statement returns that returns keys.
    fn load<S>(statement: S, connection: &mut PgConnection) -> QueryResult<Vec<Self::Key>>
    where
        S: Query<SqlType = Self::SqlKey> + QueryFragment<Pg> + QueryId + RunQueryDsl<PgConnection>;

    /// Writes the columns' values, with commas between them.
    fn values<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

pub(crate) trait Lists {
    /// How many rows there are.
    fn length(&self) -> &i32;

    /// Writes the columns of the row at `place`, as they are called, with commas between them.
    fn select<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

/// A row that can be replaced with others, each where it is stored at a version.
pub(crate) trait Replace: Bulk {
    /// Columns that are not simply written, and what is written to them: of the row that there is, which is called like the
    /// table, and of the one that replaces it, `new`.
    const ASSIGNED: &'static [(&'static str, &'static str)];
}

/// An event's row, whose position is none of its columns: it is given as the row is stored.
pub(crate) trait Placed: Bulk {}

/// Inserts those of the rows that collide with nothing, and returns their keys.
pub(crate) struct InsertNew<'a, R: Bulk>(pub(crate) R::Lists<'a>);

impl<R: Bulk> QueryFragment<Pg> for InsertNew<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        push_columns::<R, _>(&mut out);
        out.push_sql(") SELECT ");
        self.0.select(&mut out)?;
        push_places(&mut out, &self.0)?;
        out.push_sql(" ON CONFLICT DO NOTHING RETURNING ");
        out.push_sql(R::KEY);
        Ok(())
    }
}

/// Replaces those of the rows that are stored at these versions, and returns their keys.
pub(crate) struct ReplaceAll<'a, R: Replace> {
    pub(crate) lists: R::Lists<'a>,
    pub(crate) versions: Vec<i64>,
}

impl<R: Replace> QueryFragment<Pg> for ReplaceAll<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_update::<R, _>(&mut out);
        out.push_sql(" FROM (SELECT ");
        self.lists.select(&mut out)?;
        out.push_sql(", (");
        out.push_bind_param::<Array<BigInt>, _>(&self.versions)?;
        out.push_sql(")[place] AS replaced");
        push_places(&mut out, &self.lists)?;
        // Else a thousand rows are counted with, for which a small table would be read as a whole. So many are saved
        // together at most.
        out.push_sql(" LIMIT 64) AS new WHERE ");
        out.push_sql(R::TABLE);
        out.push_sql(".version = new.replaced AND ");
        for part in [R::TABLE, ".", R::KEY, " = new.", R::KEY, " RETURNING ", R::TABLE, ".", R::KEY] {
            out.push_sql(part);
        }
        Ok(())
    }
}

/// Inserts events with their positions, and returns their keys; none of them where something of [`Known`] is known. They
/// have no positions while somebody else has the counter, or where they come after others that may have none.
pub(crate) struct InsertEvents<'a, R: Placed> {
    pub(crate) lists: R::Lists<'a>,
    pub(crate) number: i64,
    pub(crate) after_others: bool,
    pub(crate) unless: &'a Known,
}

/// What is hardly ever there.
#[derive(Default)]
pub(crate) struct Known {
    /// Customers who were erased.
    pub(crate) erased: Vec<RowId>,
    /// Hashes of numbers of which something is remembered.
    pub(crate) remembered: Vec<Vec<u8>>,
}

impl Known {
    pub(crate) fn is_empty(&self) -> bool {
        self.erased.is_empty() && self.remembered.is_empty()
    }
}

impl<R: Placed> QueryFragment<Pg> for InsertEvents<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH counter AS (UPDATE event_numbering SET last_position = last_position + ");
        out.push_bind_param::<BigInt, _>(&self.number)?;
        out.push_sql(
            " WHERE id = (SELECT id FROM event_numbering WHERE id = 1 FOR UPDATE SKIP LOCKED) \
             RETURNING last_position - ",
        );
        out.push_bind_param::<BigInt, _>(&self.number)?;
        out.push_sql(" AS last_position) INSERT INTO ");
        push_columns::<R, _>(&mut out);
        out.push_sql(", position) SELECT ");
        self.lists.select(&mut out)?;
        out.push_sql(", CASE WHEN ");
        out.push_bind_param::<Bool, _>(&self.after_others)?;
        // The order is that of the index of those without a position.
        out.push_sql(
            " AND (SELECT true FROM events WHERE position IS NULL ORDER BY occurred_at, sequence, id LIMIT 1) \
             THEN NULL ELSE (SELECT last_position FROM counter) + place END",
        );
        push_places(&mut out, &self.lists)?;
        out.push_sql(" WHERE NOT EXISTS (SELECT FROM erased_customers WHERE id = ANY (");
        out.push_bind_param::<Array<Id>, _>(&self.unless.erased)?;
        out.push_sql(")) AND NOT EXISTS (SELECT FROM number_memories WHERE number = ANY (");
        out.push_bind_param::<Array<Binary>, _>(&self.unless.remembered)?;
        out.push_sql(")) ON CONFLICT DO NOTHING RETURNING ");
        out.push_sql(R::KEY);
        Ok(())
    }
}

/// Inserts a row unless it collides with something.
pub(crate) struct InsertOne<'a, R: Bulk>(pub(crate) &'a R);

impl<R: Bulk> QueryFragment<Sqlite> for InsertOne<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT OR IGNORE INTO ");
        push_columns::<R, _>(&mut out);
        out.push_sql(") VALUES (");
        self.0.values(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// The same of an event at its position.
pub(crate) struct InsertEvent<'a, R: Placed> {
    pub(crate) event: &'a R,
    pub(crate) position: i64,
}

impl<R: Placed> QueryFragment<Sqlite> for InsertEvent<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT OR IGNORE INTO ");
        push_columns::<R, _>(&mut out);
        out.push_sql(", position) VALUES (");
        self.event.values(&mut out)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.position)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Replaces a row where it is stored at this version.
pub(crate) struct ReplaceOne<'a, R: Replace> {
    pub(crate) row: &'a R,
    pub(crate) version: i64,
}

impl<R: Replace> QueryFragment<Sqlite> for ReplaceOne<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("WITH new");
        push_names::<R, _>(&mut out);
        out.push_sql(") AS (VALUES (");
        self.row.values(&mut out)?;
        out.push_sql(")) ");
        push_update::<R, _>(&mut out);
        out.push_sql(" FROM new WHERE ");
        for part in [R::TABLE, ".", R::KEY, " = new.", R::KEY, " AND ", R::TABLE, ".version = "] {
            out.push_sql(part);
        }
        out.push_bind_param::<BigInt, _>(&self.version)
    }
}

/// Takes so many positions, and says which is the first of them.
#[derive(QueryId)]
pub(crate) struct TakePositions {
    pub(crate) number: i64,
}

impl QueryFragment<Sqlite> for TakePositions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE event_numbering SET last_position = last_position + ");
        out.push_bind_param::<BigInt, _>(&self.number)?;
        out.push_sql(" WHERE id = 1 RETURNING last_position + 1 - ");
        out.push_bind_param::<BigInt, _>(&self.number)
    }
}

impl Query for TakePositions {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for TakePositions {}

/// What of each column is written when a row is replaced by `new`.
fn push_update<R: Replace, DB: Backend>(out: &mut AstPass<'_, '_, DB>) {
    out.push_sql("UPDATE ");
    out.push_sql(R::TABLE);
    let mut before = " SET ";
    for column in R::COLUMNS.iter().filter(|column| **column != R::KEY) {
        out.push_sql(before);
        before = ", ";
        out.push_sql(column);
        out.push_sql(" = ");
        if let Some((_, value)) = R::ASSIGNED.iter().find(|(assigned, _)| assigned == column) {
            out.push_sql(value);
        } else {
            out.push_sql("new.");
            out.push_sql(column);
        }
    }
}

/// The table, and its columns in a parenthesis that is left open.
fn push_columns<R: Bulk, DB: Backend>(out: &mut AstPass<'_, '_, DB>) {
    out.push_sql(R::TABLE);
    push_names::<R, DB>(out);
}

/// The columns in a parenthesis that is left open.
fn push_names<R: Bulk, DB: Backend>(out: &mut AstPass<'_, '_, DB>) {
    let mut before = " (";
    for column in R::COLUMNS {
        out.push_sql(before);
        out.push_sql(column);
        before = ", ";
    }
}

fn push_places<'b>(out: &mut AstPass<'_, 'b, Pg>, lists: &'b impl Lists) -> QueryResult<()> {
    out.push_sql(" FROM generate_series(1, ");
    out.push_bind_param::<Integer, _>(lists.length())?;
    out.push_sql(") AS place");
    Ok(())
}

/// Makes statements known by their types, so that each is prepared once.
macro_rules! statements {
    ($($statement:ident: $row:ident on $connection:ident $(returns $returns:ident)?),* $(,)?) => {
        $(
            impl<R: $row> QueryId for $statement<'_, R> {
                type QueryId = $statement<'static, R>;
                const HAS_STATIC_QUERY_ID: bool = true;
            }

            $(
                impl<R: $row> Query for $statement<'_, R> {
                    type SqlType = R::$returns;
                }
            )?

            impl<R: $row> RunQueryDsl<$connection> for $statement<'_, R> {}
        )*
    };
}

statements! {
    InsertNew: Bulk on PgConnection returns SqlKey,
    ReplaceAll: Replace on PgConnection returns SqlKey,
    InsertEvents: Placed on PgConnection returns SqlKey,
    InsertOne: Bulk on SqliteConnection,
    InsertEvent: Placed on SqliteConnection,
    ReplaceOne: Replace on SqliteConnection,
}

/// Makes a row [`Bulk`]: `bulk!(Lists: Row { … } in table by key, { field: kind, … })`. The pattern names each of the
/// row's fields, so that one that is forgotten does not compile; a kind is the type of a column (see below).
macro_rules! bulk {
    (
        $lists:ident: $row:ident { $($pattern:tt)* } in $table:ident by $key:ident: $key_kind:ident,
        { $($field:ident $(as $column:literal)?: $kind:ident),* $(,)? }
    ) => {
        pub(super) struct $lists<'a> {
            length: i32,
            $($field: Vec<&'a $crate::bulk::bulk!(@type $kind)>,)*
        }

        impl $crate::bulk::Lists for $lists<'_> {
            fn length(&self) -> &i32 {
                &self.length
            }

            fn select<'b>(
                &'b self,
                out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let mut before = "(";
                $(
                    out.push_sql(before);
                    out.push_bind_param::<diesel::sql_types::Array<$crate::bulk::bulk!(@sql $kind)>, _>(&self.$field)?;
                    out.push_sql(concat!(")[place] AS ", $crate::bulk::bulk!(@column $field $($column)?)));
                    before = ", (";
                )*
                let _ = before;
                Ok(())
            }
        }

        impl $crate::bulk::Bulk for $row {
            type Key = $crate::bulk::bulk!(@type $key_kind);
            type SqlKey = $crate::bulk::bulk!(@sql $key_kind);
            type Lists<'a> = $lists<'a>;

            const TABLE: &'static str = stringify!($table);
            const KEY: &'static str = stringify!($key);
            const COLUMNS: &'static [&'static str] = &[$($crate::bulk::bulk!(@column $field $($column)?)),*];

            #[expect(unused_variables, reason = "one of all is the key")]
            fn key(&self) -> &Self::Key {
                let $row { $($pattern)* } = self;
                $key
            }

            fn lists<'a>(rows: impl IntoIterator<Item = &'a Self>) -> $lists<'a> {
                let mut lists = $lists { length: 0, $($field: Vec::new(),)* };
                for row in rows {
                    let $row { $($pattern)* } = row;
                    lists.length += 1;
                    $(lists.$field.push($field);)*
                }
                lists
            }

            fn load<S>(statement: S, connection: &mut diesel::PgConnection) -> diesel::QueryResult<Vec<Self::Key>>
            where
                S: diesel::query_builder::Query<SqlType = Self::SqlKey>
                    + diesel::query_builder::QueryFragment<diesel::pg::Pg>
                    + diesel::query_builder::QueryId
                    + diesel::RunQueryDsl<diesel::PgConnection>,
            {
                statement.load(connection)
            }

            fn values<'b>(
                &'b self,
                out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                let $row { $($pattern)* } = self;
                let mut before = "";
                $(
                    out.push_sql(before);
                    out.push_bind_param::<$crate::bulk::bulk!(@sql $kind), $crate::bulk::bulk!(@type $kind)>($field)?;
                    before = ", ";
                )*
                let _ = before;
                Ok(())
            }
        }
    };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident $column:literal) => { $column };
    (@type id) => { $crate::sql_types::RowId };
    (@type optional_id) => { Option<$crate::sql_types::RowId> };
    (@type time) => { $crate::sql_types::RowInstant };
    (@type optional_time) => { Option<$crate::sql_types::RowInstant> };
    (@type number) => { i64 };
    (@type text) => { String };
    (@type word) => { &'static str };
    (@type optional_text) => { Option<String> };
    (@type bytes) => { Vec<u8> };
    (@type optional_bytes) => { Option<Vec<u8>> };
    (@sql id) => { $crate::sql_types::Id };
    (@sql optional_id) => { diesel::sql_types::Nullable<$crate::sql_types::Id> };
    (@sql time) => { $crate::sql_types::Instant };
    (@sql optional_time) => { diesel::sql_types::Nullable<$crate::sql_types::Instant> };
    (@sql number) => { diesel::sql_types::BigInt };
    (@sql text) => { diesel::sql_types::Text };
    (@sql word) => { diesel::sql_types::Text };
    (@sql optional_text) => { diesel::sql_types::Nullable<diesel::sql_types::Text> };
    (@sql bytes) => { diesel::sql_types::Binary };
    (@sql optional_bytes) => { diesel::sql_types::Nullable<diesel::sql_types::Binary> };
}

pub(crate) use bulk;
