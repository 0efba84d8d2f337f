//! Drops the databases of a test run from a server that outlives it: `scripts/with-postgres` calls it at its end.

fn main() {
    test_support::drop_databases_of_this_run();
}
