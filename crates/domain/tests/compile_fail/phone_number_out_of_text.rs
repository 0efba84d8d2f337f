//! A phone number comes from a spelling that was read by the rules of its country, or from what was stored of one; no text
//! becomes one by itself.

use domain::{Phone, PhoneNumber};

fn converted(text: String) -> PhoneNumber {
    text.into()
}

fn without_its_region(number: PhoneNumber) -> Phone {
    number
}

fn main() {}
