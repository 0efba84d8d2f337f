//! A customer is changed by transitions alone. (Whoever has his parts can make another customer of them, as stores do: that
//! only they do is a rule of the house, see `crates/house`.)

use domain::{Confirmed, Customer, PhoneState};

fn in_place(customer: &mut Customer, confirmed: Confirmed) {
    customer.0.phone = PhoneState::Confirmed(confirmed);
}

fn by_his_parts(customer: &mut Customer, confirmed: Confirmed) {
    customer.parts().phone = PhoneState::Confirmed(confirmed);
}

fn main() {}
