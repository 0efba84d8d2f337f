//! Once read, a value stays what it is.

use domain::{Address, Card, Email};

fn email(email: &mut Email) {
    email.0.clear();
}

fn address(address: &mut Address) {
    address.0.line1.clear();
}

fn card(card: &mut Card) {
    card.0.last4 = "4242 4242 4242 4242".to_owned();
}

fn main() {}
