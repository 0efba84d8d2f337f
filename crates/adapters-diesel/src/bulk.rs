//! Many rows in one go: what is not there yet of them is inserted, and it is told which those are.
//!
//! PostgreSQL takes the columns as lists (`unnest`), so that the statement is the same for any number of rows and is
//! planned once; SQLite, which is in the process, takes row by row.

use diesel::{PgConnection, QueryResult, SqliteConnection};

/// A row that can be inserted with others. [`bulk!`] makes a row one.
pub(crate) trait Bulk: Sized {
    /// What a row is told by.
    type Key: PartialEq;

    /// This one's.
    fn key(&self) -> &Self::Key;

    /// Inserts those of the rows that collide with nothing, and returns their keys.
    fn insert_all(rows: &[&Self], connection: &mut PgConnection) -> QueryResult<Vec<Self::Key>>;

    /// Inserts the row unless it collides with something, and returns how many were inserted.
    fn insert_one(&self, connection: &mut SqliteConnection) -> QueryResult<usize>;
}

/// Makes a row [`Bulk`]: `bulk!(Lists: Row { … } in table by key, { field: kind, … })`. The pattern names each of the
/// row's fields, so that one that is forgotten does not compile; a kind is the type of a column (see below).
macro_rules! bulk {
    (
        $lists:ident: $row:ident { $($pattern:tt)* } in $table:ident by $key:ident: $key_kind:ident,
        { $($field:ident $(as $column:literal)?: $kind:ident),* $(,)? }
    ) => {
        /// The columns of some rows.
        struct $lists<'a> {
            $($field: Vec<&'a $crate::bulk::bulk!(@type $kind)>,)*
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $lists<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(concat!("INSERT INTO ", stringify!($table), " ("));
                let mut between = "";
                $(
                    out.push_sql(between);
                    out.push_sql($crate::bulk::bulk!(@column $field $($column)?));
                    between = ", ";
                )*
                out.push_sql(") SELECT * FROM unnest(");
                between = "";
                $(
                    out.push_sql(between);
                    out.push_bind_param::<diesel::sql_types::Array<$crate::bulk::bulk!(@sql $kind)>, _>(&self.$field)?;
                    between = ", ";
                )*
                let _ = between;
                out.push_sql(concat!(") ON CONFLICT DO NOTHING RETURNING ", stringify!($key)));
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $lists<'_> {
            type QueryId = $lists<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $lists<'_> {
            type SqlType = $crate::bulk::bulk!(@sql $key_kind);
        }

        impl diesel::RunQueryDsl<diesel::PgConnection> for $lists<'_> {}

        impl $crate::bulk::Bulk for $row {
            type Key = $crate::bulk::bulk!(@type $key_kind);

            #[expect(unused_variables, reason = "one of all is the key")]
            fn key(&self) -> &Self::Key {
                let $row { $($pattern)* } = self;
                $key
            }

            fn insert_all(
                rows: &[&Self],
                connection: &mut diesel::PgConnection,
            ) -> diesel::QueryResult<Vec<Self::Key>> {
                let mut lists = $lists { $($field: Vec::with_capacity(rows.len()),)* };
                for row in rows {
                    let $row { $($pattern)* } = row;
                    $(lists.$field.push($field);)*
                }
                diesel::RunQueryDsl::load(lists, connection)
            }

            fn insert_one(&self, connection: &mut diesel::SqliteConnection) -> diesel::QueryResult<usize> {
                // Unlike `ON CONFLICT` it is known by its type, and its text is not made anew each time.
                let insert = diesel::insert_or_ignore_into($table::table).values(self);
                diesel::RunQueryDsl::execute(insert, connection)
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
    (@type optional_number) => { Option<i64> };
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
    (@sql optional_number) => { diesel::sql_types::Nullable<diesel::sql_types::BigInt> };
    (@sql text) => { diesel::sql_types::Text };
    (@sql word) => { diesel::sql_types::Text };
    (@sql optional_text) => { diesel::sql_types::Nullable<diesel::sql_types::Text> };
    (@sql bytes) => { diesel::sql_types::Binary };
    (@sql optional_bytes) => { diesel::sql_types::Nullable<diesel::sql_types::Binary> };
}

pub(crate) use bulk;
