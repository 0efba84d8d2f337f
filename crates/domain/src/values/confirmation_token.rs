//! The six-digit token that proves a phone number.

use std::fmt;

/// Six decimal digits, leading zeros kept.
///
/// It is a secret: `Debug` is redacted, there is no `Display`, and [`expose`](Self::expose) is the only way to its
/// digits. The number is kept as one machine word, so that comparing two tokens takes the same time whatever they are.
///
/// ```
/// use domain::ConfirmationToken;
///
/// let token = ConfirmationToken::parse("042 917").unwrap();
/// assert_eq!(token.expose(), "042917");
/// assert_eq!(token, ConfirmationToken::parse("042-917").unwrap());
/// assert!(ConfirmationToken::parse("42917").is_err());
/// ```
#[derive(Clone, Copy)]
pub struct ConfirmationToken(u32);

/// Why a text is no confirmation token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the six digits that were sent to the customer, as a string")]
pub struct ConfirmationTokenError;

impl ConfirmationToken {
    /// How many tokens there are: every value below it is one.
    pub const COUNT: u32 = 1_000_000;

    /// The token of a number below [`COUNT`](Self::COUNT), for generators.
    ///
    /// # Errors
    /// When `number` has more than six digits.
    pub fn from_number(number: u32) -> Result<Self, ConfirmationTokenError> {
        if number < Self::COUNT { Ok(Self(number)) } else { Err(ConfirmationTokenError) }
    }

    /// Reads a token as people type it: spaces and hyphens are dropped.
    ///
    /// # Errors
    /// When anything but six ASCII digits remains.
    pub fn parse(text: &str) -> Result<Self, ConfirmationTokenError> {
        let mut number = 0;
        let mut digits = 0;
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let digit = c.to_digit(10).ok_or(ConfirmationTokenError)?;
            digits += 1;
            if digits > 6 {
                return Err(ConfirmationTokenError);
            }
            number = number * 10 + digit;
        }
        if digits == 6 { Ok(Self(number)) } else { Err(ConfirmationTokenError) }
    }

    /// The six digits. Whoever calls this is about to send or store them.
    pub fn expose(self) -> String {
        format!("{:06}", self.0)
    }
}

impl PartialEq for ConfirmationToken {
    /// Constant time: one exclusive-or and one comparison of a machine word, no early exit at a wrong digit.
    fn eq(&self, other: &Self) -> bool {
        std::hint::black_box(self.0 ^ other.0) == 0
    }
}

impl Eq for ConfirmationToken {}

impl fmt::Debug for ConfirmationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmationToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_six_ascii_digits_is_no_token() {
        for text in ["", "12345", "1234567", "12345a", "१२३४५६", "+12345", "12.345", "99999999999999999999"]
        {
            assert_eq!(ConfirmationToken::parse(text), Err(ConfirmationTokenError), "{text:?}");
        }
    }

    #[test]
    fn its_digits_are_not_in_its_debug_form() {
        let token = ConfirmationToken::parse("123456").unwrap();
        assert!(!format!("{token:?}").contains("123456"));
    }

    proptest! {
        #[test]
        fn an_exposed_token_parses_to_itself(number in 0..ConfirmationToken::COUNT) {
            let token = ConfirmationToken::from_number(number).unwrap();
            prop_assert_eq!(token.expose().len(), 6);
            prop_assert_eq!(ConfirmationToken::parse(&token.expose()), Ok(token));
        }
    }
}
