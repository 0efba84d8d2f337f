//! A number is not confirmed without what that rests on: a token, or the caller's word.

use domain::{Challenge, Confirmed, Phone, PhoneState, Timestamp};

fn by_a_challenge(challenge: Challenge) -> PhoneState {
    PhoneState::Confirmed(challenge)
}

fn by_nothing(phone: Phone, confirmed_at: Timestamp) -> Confirmed {
    Confirmed { phone, confirmed_at }
}

fn main() {}
