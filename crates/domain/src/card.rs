//! What is kept of a customer's card: enough to tell it from another, nothing to pay with.

use std::fmt;

use crate::Timestamp;

/// A card as the customer's record shows it. Its number and its security code never reach this service.
#[derive(Clone, PartialEq, Eq)]
pub struct Card(CardParts);

/// All that makes up a card, as a provider tells it and a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardParts {
    /// The provider that holds it.
    pub provider: String,
    /// The provider's id of it, by which it is charged and removed there.
    pub payment_method: String,
    /// The provider's id of the procedure that brought it: one procedure brings one card.
    pub setup: String,
    /// The brand as the provider names it, such as `visa`.
    pub brand: String,
    /// The last four digits of its number.
    pub last4: String,
    /// The month in which it expires, 1 to 12.
    pub exp_month: u8,
    /// The year in which it expires, with its century.
    pub exp_year: u16,
    /// When it became the customer's.
    pub updated_at: Timestamp,
}

/// Why what a provider told is no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not what a card has")]
pub struct CardError(&'static str);

impl CardError {
    /// The part that is not what a card has, as [`CardParts`] names it.
    pub fn part(&self) -> &'static str {
        self.0
    }
}

impl Card {
    /// The longest brand or provider's id that is kept, in characters.
    pub const MAX_CHARACTERS: usize = 255;

    /// A card of these parts.
    ///
    /// # Errors
    /// When a part is not what a card has, naming it: last four digits that are not four digits, a month beyond
    /// twelve, a year that has not four digits, a text that is empty, too long or no plain text.
    pub fn new(parts: CardParts) -> Result<Self, CardError> {
        let texts = [
            ("provider", &parts.provider),
            ("payment_method", &parts.payment_method),
            ("setup", &parts.setup),
            ("brand", &parts.brand),
        ];
        for (name, text) in texts {
            if text.is_empty() || text.len() > Self::MAX_CHARACTERS || !text.bytes().all(|b| (b' '..=b'~').contains(&b))
            {
                return Err(CardError(name));
            }
        }
        if parts.last4.len() != 4 || !parts.last4.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CardError("last4"));
        }
        if !(1..=12).contains(&parts.exp_month) {
            return Err(CardError("exp_month"));
        }
        if !(1000..=9999).contains(&parts.exp_year) {
            return Err(CardError("exp_year"));
        }
        Ok(Self(parts))
    }

    /// All of it, for a store to keep.
    pub fn parts(&self) -> &CardParts {
        &self.0
    }

    /// Whether the other is the same card at the same provider, whatever procedure brought it.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (&self.0.provider, &self.0.payment_method) == (&other.0.provider, &other.0.payment_method)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> CardParts {
        CardParts {
            provider: "test".into(),
            payment_method: "pm_1".into(),
            setup: "seti_1".into(),
            brand: "visa".into(),
            last4: "4242".into(),
            exp_month: 12,
            exp_year: 2030,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_no_card_has_is_refused_by_name() {
        assert!(Card::new(parts()).is_ok());
        let refused = |parts: CardParts, name: &'static str| assert_eq!(Card::new(parts), Err(CardError(name)));
        refused(CardParts { last4: "424".into(), ..parts() }, "last4");
        refused(CardParts { last4: "4242424242424242".into(), ..parts() }, "last4");
        refused(CardParts { last4: "４２４２".into(), ..parts() }, "last4");
        refused(CardParts { exp_month: 0, ..parts() }, "exp_month");
        refused(CardParts { exp_month: 13, ..parts() }, "exp_month");
        refused(CardParts { exp_year: 30, ..parts() }, "exp_year");
        refused(CardParts { brand: String::new(), ..parts() }, "brand");
        refused(CardParts { brand: "vi\nsa".into(), ..parts() }, "brand");
        refused(CardParts { payment_method: "x".repeat(256), ..parts() }, "payment_method");
    }
}
