//! The operations on customers, a file each.

mod address_body;
mod addresses;
mod card;
mod confirm;
mod create;
mod create_body;
mod erase;
mod export;
#[cfg(test)]
mod fuzz;
mod generate_confirmation;
mod list;
mod phone_number;
mod present;
mod retrieve;
mod update;
mod update_body;
mod verification;

pub(crate) use addresses::{delete_address, put_address, read_addresses};
pub(crate) use card::{delete_card, read_card};
pub(crate) use confirm::confirm;
pub(crate) use create::{create, create_with_id};
pub(crate) use erase::erase;
pub(crate) use export::export;
pub(crate) use generate_confirmation::generate_confirmation;
pub(crate) use list::list;
pub(crate) use phone_number::{change_phone_number, withdraw_phone_number};
pub(crate) use retrieve::{peek, retrieve};
pub(crate) use update::update;
pub(crate) use verification::{read_verification, unlock_verification};

use domain::CustomerId;

use crate::problem::Problem;

/// The customer id in a path. What is no UUID is no customer's.
fn id_in_path(text: &str) -> Result<CustomerId, Problem> {
    CustomerId::parse(text).ok_or_else(Problem::customer_not_found)
}
