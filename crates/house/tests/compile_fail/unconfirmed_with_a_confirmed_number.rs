//! The state of an unconfirmed customer holds what is to be proved, and has no place for a number that is.

use domain::{Confirmed, PhoneState};

fn confirmed_number(confirmed: Confirmed) -> PhoneState {
    PhoneState::Unconfirmed(confirmed)
}

fn main() {}
