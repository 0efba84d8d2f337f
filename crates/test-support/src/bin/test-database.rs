//! A PostgreSQL database for a test that is not in Rust: its URL on standard output, and it is gone when standard input ends.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let database = test_support::TestDatabase::postgresql();
    writeln!(io::stdout(), "{}", database.url())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
