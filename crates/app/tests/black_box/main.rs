//! The real binary, driven over HTTP as its users drive it, on both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what is wrong by panicking")]

mod abuse;
mod addresses;
mod card_numbers;
mod cards;
mod command_line;
mod conversation;
mod customer_lists;
mod deliveries;
mod delivery;
mod durability;
mod erased_cards;
mod erasure;
mod errors;
mod event_docs;
mod event_stream;
mod events;
mod export;
mod forms;
mod idempotency;
mod limits;
mod links;
mod log_canary;
mod logs;
mod number_limits;
mod openapi;
mod outage;
mod phone_number;
mod phone_numbers;
mod preconditions;
mod races;
mod reference;
mod retention;
mod scopes;
mod settings;
mod verification;
mod visitor;
mod webhook_endpoints;
mod world;

/// Makes each function a test on each database.
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(test_support::DatabaseKind::Sqlite); })*
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name(test_support::DatabaseKind::Postgresql); })*
        }
    };
}
pub(crate) use on_both_databases;
