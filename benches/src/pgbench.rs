//! PostgreSQL's own benchmark, on rows like the service's: what the database does without anybody before it.

use std::io::{Error, Result, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// A customer and his event in a transaction, with ids that begin with the time, as the service's do.
const CREATE: &str = r"\set n random(1000000, 9999999)
BEGIN;
INSERT INTO customers (id, unconfirmed_phone_number, country_code, confirmation_token, token_generated_at,
    token_wrong_tries, wrong_tries, tokens_in_row, last_token_at, sequence, revision, version, created_at, updated_at)
    VALUES ($id, '+1217' || :n, 'US', '123456', now(), 0, '', 1, now(), 1, 1, 1, now(), now());
INSERT INTO events (id, customer_id, sequence, type, occurred_at, payload, confirmation_token, token_generated_at)
    VALUES ($id, $id, 1, 'verification', now(), repeat('x', 700), '123456', now());
COMMIT;
";

/// An id that begins with the time.
const ID: &str = "CAST(encode(substring(int8send(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)) FROM 3) \
    || substring(uuid_send(gen_random_uuid()) FROM 7), 'hex') AS uuid)";

/// One customer by his id.
const READ: &str = r"\set n random(0, 9999)
SELECT id, phone_number, unconfirmed_phone_number, country_code, email, first_name, last_name, confirmation_token,
    confirmed_at, created_at, updated_at FROM customers
    WHERE id = ('01920000-0000-7000-8000-' || lpad(to_hex(CAST(:n AS bigint)), 12, '0'))::uuid;
";

/// How many transactions a second there are over so many connections.
///
/// # Errors
/// When pgbench is not there or fails.
pub(crate) fn run(url: &str, creates: bool, connections: usize, duration: Duration) -> Result<f64> {
    let program = match std::env::var_os("TEST_POSTGRES_BIN") {
        Some(directory) => PathBuf::from(directory).join("pgbench"),
        None => PathBuf::from("pgbench"),
    };
    let mut script = tempfile::NamedTempFile::new()?;
    script.write_all(if creates { CREATE.replace("$id", ID) } else { READ.to_owned() }.as_bytes())?;
    let output = Command::new(&program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .arg(format!("--client={connections}"))
        .arg(format!("--time={}", duration.as_secs().max(1)))
        .arg("--file")
        .arg(script.path())
        .arg(url)
        .output()
        .map_err(|error| Error::other(format!("{}: {error}", program.display())))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| Error::other(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr))))
}
