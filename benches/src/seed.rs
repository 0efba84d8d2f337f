//! Customers to begin with: unconfirmed, each with his number and his event, as if the service had made them.

use std::io::{Error, Result};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::server::Database;

/// So many are written in one statement.
const STEP: u64 = 250_000;

/// The statements for the customers numbered from `$first` to `$last`; what the databases spell differently is filled in.
const STATEMENTS: &str = "
    INSERT INTO customers (id, unconfirmed_phone_number, country_code, confirmation_token, token_generated_at,
            token_wrong_tries, wrong_tries, tokens_in_row, last_token_at, sequence, revision, version, created_at, updated_at)
        $series SELECT $id, '+1' || (2012000000 + n), 'US', '123456', $time, 0, '', 1, $time, 1, 1, 1, $time, $time
        FROM series;
    INSERT INTO phone_number_claims (phone_number, customer_id)
        $series SELECT '+1' || (2012000000 + n), $id FROM series;
    INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload, position, confirmation_token,
            token_generated_at)
        $series SELECT $id, $id, 1, 'verification', $time, '$payload', n + 1, '123456', $time FROM series;
    UPDATE event_numbering SET last_position = $last + 1;";

/// From this one on they are there to be confirmed.
pub(crate) const CONFIRMABLE: u64 = 6_000_000;

/// As long as the real one.
const PAYLOAD: usize = 700;

/// Makes the customers numbered from `first` to before `end`, whose tokens were made just now.
///
/// # Errors
/// When the database fails.
pub(crate) fn seed(database: &Database, first: u64, end: u64) -> Result<()> {
    let (series, id, time, finish) = match database {
        Database::Sqlite(_) => (
            "WITH RECURSIVE series (n) AS (SELECT $first UNION ALL SELECT n + 1 FROM series WHERE n < $last)",
            "unhex(printf('01920000000070008000%012x', n))",
            "unixepoch('subsec') * 1000 - 7000000 + n",
            "PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)",
        ),
        Database::Postgresql(_) => (
            "WITH series (n) AS (SELECT * FROM generate_series($first::bigint, $last::bigint))",
            "('01920000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            "date_trunc('milliseconds', now()) + (n - 7000000) * interval '1 millisecond'",
            "ANALYZE; CHECKPOINT",
        ),
    };
    let payload = "x".repeat(PAYLOAD);
    let statements = STATEMENTS.replace("$series", series).replace("$id", id).replace("$time", time);
    let statements = statements.replace("$payload", &payload);
    let mut first = first;
    let mut steps = Vec::new();
    while first < end {
        let last = (first + STEP).min(end) - 1;
        steps.push(statements.replace("$first", &first.to_string()).replace("$last", &last.to_string()));
        first = last + 1;
    }
    steps.push(finish.to_owned());
    match database {
        Database::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).map_err(Error::other)?;
            connection.batch_execute("PRAGMA synchronous = OFF").map_err(Error::other)?;
            steps.iter().try_for_each(|step| connection.batch_execute(step)).map_err(Error::other)
        }
        Database::Postgresql(url) => {
            let mut connection = PgConnection::establish(url).map_err(Error::other)?;
            steps.iter().try_for_each(|step| connection.batch_execute(step)).map_err(Error::other)
        }
    }
}
