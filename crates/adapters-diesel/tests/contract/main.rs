//! The contract of the ports, held against both databases. A case is written once, as a function of a
//! [`Fixture`](fixture::Fixture), and listed in `on_both_databases!`, which makes a test of it for each.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_keys;
mod cards;
mod confirmation_sent;
mod corrupt_rows;
mod customer_list_plans;
mod customer_lists;
mod customers;
mod deliveries;
mod delivering;
mod delivery_reads;
mod details;
mod endpoints;
mod erasing;
mod events;
mod faults;
mod fixture;
mod idempotency;
mod installation;
mod links;
mod making;
mod migrations;
mod number_changes;
mod person;
mod plans;
mod pruning;
mod races;
mod receivers;
mod retention;
mod scrubbing;
mod signal;

/// Makes the tests `sqlite::case` and `postgresql::case` of each case, on a migrated database unless it says
/// otherwise. A case that is not listed is dead code, which the compiler tells.
macro_rules! on_both_databases {
    (on an empty database: $($case:ident),* $(,)?) => {
        crate::on_both_databases!(empty_sqlite, empty_postgresql: $($case)*);
    };
    ($($case:ident),* $(,)?) => {
        crate::on_both_databases!(sqlite, postgresql: $($case)*);
    };
    ($sqlite:ident, $postgresql:ident: $($case:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::fixture::Fixture::$sqlite().await).await;
            })*
        }
        mod postgresql {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::fixture::Fixture::$postgresql().await).await;
            })*
        }
    };
}
pub(crate) use on_both_databases;
