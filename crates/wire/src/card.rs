//! A customer's card.

use schemars::JsonSchema;
use serde::Serialize;

use crate::WireTime;

/// What the world sees of a card.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Card<'a> {
    /// Whose card it is.
    #[schemars(example = &"visa")]
    brand: &'a str,
    /// The last four digits of its number.
    #[schemars(regex(pattern = "^[0-9]{4}$"), example = &"4242")]
    last4: &'a str,
    /// The month in which it expires, 1 to 12.
    #[schemars(range(min = 1, max = 12), example = 12)]
    exp_month: u8,
    /// The year in which it expires.
    #[schemars(example = 2030)]
    exp_year: u16,
    /// When it was saved.
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
