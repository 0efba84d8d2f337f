//! A customer's card.

use serde::Serialize;

use crate::WireTime;

/// What the world sees of a card.
#[derive(Debug, Serialize)]
pub struct Card<'a> {
    brand: &'a str,
    last4: &'a str,
    exp_month: u8,
    exp_year: u16,
    updated_at: WireTime,
}

impl<'a> Card<'a> {
    /// The document of a card.
    pub fn new(card: &'a domain::Card) -> Self {
        let parts = card.parts();
        Self {
            brand: &parts.brand,
            last4: &parts.last4,
            exp_month: parts.exp_month,
            exp_year: parts.exp_year,
            updated_at: WireTime(parts.updated_at),
        }
    }
}
