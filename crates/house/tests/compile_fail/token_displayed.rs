//! A token's digits get out by `expose` alone.

use domain::ConfirmationToken;

fn displayed(token: ConfirmationToken) {
    println!("{token}");
}

fn as_text(token: ConfirmationToken) -> String {
    token.to_string()
}

fn as_a_number(token: ConfirmationToken) -> u32 {
    token.0
}

fn main() {}
