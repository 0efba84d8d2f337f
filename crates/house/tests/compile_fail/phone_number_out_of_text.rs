//! A phone number comes from a spelling that was read by the rules of its country, or from what was stored of one; no text
//! becomes one by itself.

use domain::{Phone, PhoneNumber};

/// Were there a conversion, the compiler would offer it.
fn of_text(text: String) -> Phone {
    text
}

fn without_its_region(number: PhoneNumber) -> Phone {
    number
}

fn main() {}
