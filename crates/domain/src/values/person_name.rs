//! First and last names.

use std::fmt;

use super::card_number_guard::{CARD_NUMBER_REFUSED, contains_card_number};

/// A first or last name: trimmed, 1 to 255 characters, none of them a control character. Personal data: `Debug` is
/// redacted.
///
/// ```
/// use domain::PersonName;
///
/// assert_eq!(PersonName::parse("  Yogi ").unwrap().as_str(), "Yogi");
/// assert!(PersonName::parse("Yo\u{7}gi").is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameError {
    /// Nothing, or nothing but white space.
    #[error("must not be empty; send null for no name")]
    Empty,
    /// More than [`PersonName::MAX_CHARACTERS`].
    #[error("must be at most {} characters", PersonName::MAX_CHARACTERS)]
    TooLong,
    /// A control character (Unicode category Cc): no name has one, and terminals and logs obey them.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// A card's number, which must not be kept among names.
    #[error("{CARD_NUMBER_REFUSED}")]
    CardNumber,
}

impl PersonName {
    /// The longest name kept, in characters.
    pub const MAX_CHARACTERS: usize = 255;

    /// Reads a name; surrounding white space is no part of it.
    ///
    /// # Errors
    /// See [`PersonNameError`].
    pub fn parse(text: &str) -> Result<Self, PersonNameError> {
        let name = Self::shaped(text)?;
        if contains_card_number(name.as_str()) { Err(PersonNameError::CardNumber) } else { Ok(name) }
    }

    /// For stores: a name that was kept once. One that looks like a card's number is given back, for it may be older
    /// than the rule against those.
    pub fn stored(text: &str) -> Option<Self> {
        Self::shaped(text).ok()
    }

    fn shaped(text: &str) -> Result<Self, PersonNameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(PersonNameError::Empty)
        } else if text.chars().any(char::is_control) {
            Err(PersonNameError::ControlCharacter)
        } else if text.chars().count() > Self::MAX_CHARACTERS {
            Err(PersonNameError::TooLong)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(PersonName::parse(&"é".repeat(255)).is_ok());
        assert_eq!(PersonName::parse(&"é".repeat(256)), Err(PersonNameError::TooLong));
    }

    #[test]
    fn a_name_of_white_space_is_empty() {
        assert_eq!(PersonName::parse(" \u{a0}\t"), Err(PersonNameError::Empty));
    }

    #[test]
    fn a_card_number_is_no_name_but_one_that_is_stored_stays_readable() {
        let text = "Yogi 4242 4242 4242 4242";
        assert_eq!(PersonName::parse(text), Err(PersonNameError::CardNumber));
        assert_eq!(PersonName::stored(text).unwrap().as_str(), text);
        assert_eq!(PersonName::stored("Yo\u{7}gi"), None);
        assert_eq!(PersonName::stored(""), None);
    }

    proptest! {
        #[test]
        fn a_kept_name_parses_to_itself(text in ".{0,300}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(PersonName::stored(name.as_str()), Some(name));
            }
        }
    }
}
