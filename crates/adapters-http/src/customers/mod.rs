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

pub(crate) use addresses::{DELETE_ADDRESS, PUT_ADDRESS, READ_ADDRESSES, delete_address, put_address, read_addresses};
pub(crate) use card::{DELETE_CARD, READ_CARD, delete_card, read_card};
pub(crate) use confirm::{CONFIRM, confirm};
pub(crate) use create::{CREATE, CREATE_WITH_ID, create, create_with_id};
pub(crate) use erase::{ERASE, erase};
pub(crate) use export::{EXPORT, export};
pub(crate) use generate_confirmation::{GENERATE_CONFIRMATION, generate_confirmation};
pub(crate) use list::{LIST, list};
pub(crate) use phone_number::{CHANGE_PHONE_NUMBER, WITHDRAW_PHONE_NUMBER, change_phone_number, withdraw_phone_number};
pub(crate) use retrieve::{PEEK, RETRIEVE, peek, retrieve};
pub(crate) use update::{UPDATE, UPDATE_BY_PUT, update};
pub(crate) use verification::{READ_VERIFICATION, UNLOCK_VERIFICATION, read_verification, unlock_verification};

use domain::CustomerId;

use crate::problem::Problem;

/// The customer id in a path. What is no UUID is no customer's.
fn id_in_path(text: &str) -> Result<CustomerId, Problem> {
    CustomerId::parse(text).ok_or_else(Problem::customer_not_found)
}
