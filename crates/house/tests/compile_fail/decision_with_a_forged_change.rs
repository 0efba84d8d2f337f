//! What a decision says is to be stored is a change, which only the domain makes: neither a customer nor an event is one.

use domain::{Change, Customer, Decision, Event};

fn a_customer<T>(decision: &mut Decision<T>, customer: Customer) {
    if let Some(change) = &mut decision.change {
        *change = customer;
    }
}

fn an_event(event: Event) -> Change {
    event.into()
}

fn main() {}
