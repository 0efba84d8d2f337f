//! Only the domain makes a change, and nobody alters one. (It is not put together of its fields either: that needs all of
//! them, and these are private.)

use domain::{Change, Customer, Decision};

fn made(customer: Customer) -> Change {
    Change::insert(customer, Vec::new())
}

fn with_another_customer(change: &mut Change, customer: Customer) {
    change.customer = customer;
}

fn without_its_events(change: &mut Change) {
    change.events = Vec::new();
}

fn accepted(change: Change) -> Decision<Customer> {
    Decision::accept(change)
}

fn main() {}
