//! Regions by their ISO 3166-1 alpha-2 code.

use std::fmt;

use super::phone::NumberingPlans;

/// A region that has phone numbers, by its ISO 3166-1 alpha-2 code in upper case.
///
/// The regions are those of the phone metadata: a code that ISO lists but under which nobody can have a number
/// (Antarctica, for one) could not be used for anything, and is refused like an unknown one.
///
/// ```
/// use domain::CountryCode;
///
/// assert_eq!(CountryCode::parse("ca").unwrap().as_str(), "CA");
/// assert!(CountryCode::parse("ZZ").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

/// Why a text is no country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the ISO 3166-1 alpha-2 code of a country that has phone numbers, such as \"US\"")]
pub struct CountryCodeError;

impl CountryCode {
    /// Reads a code in either case; surrounding white space is no part of it.
    ///
    /// # Errors
    /// When no such region has phone numbers.
    pub fn parse(text: &str) -> Result<Self, CountryCodeError> {
        let &[first, second] = text.trim().as_bytes() else { return Err(CountryCodeError) };
        let code = Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]);
        if NumberingPlans::get().have(code) { Ok(code) } else { Err(CountryCodeError) }
    }

    /// A code of the metadata.
    pub(super) const fn known(letters: [u8; 2]) -> Self {
        Self(letters)
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        // Made of two ASCII letters only, so the text is always there.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_codes_and_other_texts_are_refused() {
        for text in ["", "U", "USA", "ZZ", "001", "1", "AQ", "É", "ÅÄ", "U\u{0}"] {
            assert_eq!(CountryCode::parse(text), Err(CountryCodeError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_formatted_code_parses_to_itself(text in "[A-Za-z]{2}") {
            if let Ok(code) = CountryCode::parse(&text) {
                prop_assert_eq!(CountryCode::parse(&code.to_string()), Ok(code));
            }
        }
    }
}
