//! Measures how fast the service is, beside what this machine, its databases and this stack do in the ordinary way.
//!
//!     scripts/with-postgres target/release/bench quick|full [ROWS]
//!
//! Everything runs in turns, so that what else the machine does meets all alike: what counts is how the figures of one run
//! relate. `quick` measures what the project has bars for; `full` also other numbers of connections, and the growth with
//! rows up to ROWS, and writes `docs/benchmarks/`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what is measured is printed")]

mod bench;
mod load;
mod machine;
mod pgbench;
mod random;
mod report;
mod seed;
mod server;
mod workload;

use std::process::ExitCode;

// Named for their features alone: both client libraries are compiled in.
use libsqlite3_sys as _;
use pq_sys as _;

use bench::Extent;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let extent = match (arguments.next().as_deref(), arguments.next().map(|rows| rows.parse())) {
        (Some("quick"), None) => Extent::Quick,
        (Some("full"), None) => Extent::Full { rows: 1_000_000 },
        (Some("full"), Some(Ok(rows))) if (10_000..=5_000_000).contains(&rows) => Extent::Full { rows },
        _ => {
            eprintln!("bench quick, or bench full [ROWS], from 10000 to 5000000");
            return ExitCode::FAILURE;
        }
    };
    match bench::run(extent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
