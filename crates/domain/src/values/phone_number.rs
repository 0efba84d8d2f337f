//! Phone numbers in E.164 form, and reading them out of what people write.
//!
//! How a spelling is read stands behind [`Phone::read`] alone. Its inside rests on the parser of the crate
//! `phonenumber`, with a reading of its own for international spellings, which that parser gets wrong too often.

use std::fmt;

use phonenumber::Mode;
use phonenumber::metadata::{DATABASE, Descriptor, Metadata};

use super::CountryCode;

/// A phone number in E.164 form (ITU-T E.164): `+`, calling code, national number, at most 15 digits. Personal data:
/// `Debug` is redacted.
///
/// ```
/// use domain::PhoneNumber;
///
/// assert_eq!(PhoneNumber::from_e164("+14185810827").unwrap().as_str(), "+14185810827");
/// assert!(PhoneNumber::from_e164("418-581-0827").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(String);

/// A phone number and the region it belongs to.
///
/// ```
/// use domain::{CountryCode, Phone, PhoneValidation};
///
/// let canada = CountryCode::parse("CA").unwrap();
/// let national = Phone::read("(418) 581-0827", canada, PhoneValidation::Valid).unwrap();
/// let international = Phone::read("+14185810827", canada, PhoneValidation::Valid).unwrap();
/// assert_eq!(national, international);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone {
    /// The number.
    pub number: PhoneNumber,
    /// The region that the number belongs to where the metadata knows one, else the one it was read in.
    pub country: CountryCode,
}

/// How strictly a number is checked before a token is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PhoneValidation {
    /// It lies within the region's numbering plan, as far as the metadata knows it.
    Valid,
    /// It has a length that numbers of the region have. New area codes pass, and the token proves the number anyway.
    #[default]
    Possible,
    /// The parser reads it as a number.
    Any,
}

impl PhoneValidation {
    /// The name by which operators choose it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Possible => "possible",
            Self::Any => "any",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Valid, Self::Possible, Self::Any].into_iter().find(|validation| validation.as_str() == name)
    }
}

/// Why a spelling is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// Longer than any spelling of a number.
    #[error("must be at most {} characters", Phone::MAX_CHARACTERS)]
    TooLong,
    /// Not a number at all.
    #[error("must be a phone number, such as \"+14185810827\" or a number as it is dialled in `country_code`")]
    NotANumber,
    /// A number within a company: no token can be sent to it.
    #[error("must not have an extension: a confirmation token cannot be sent to one")]
    Extension,
    /// No number of the region has so many digits, or so few.
    #[error("has a length that no phone number of its country has; check the digits and `country_code`")]
    NotPossible,
    /// Outside the region's numbering plan.
    #[error("is not a number of its country's numbering plan; check the digits and `country_code`")]
    NotValid,
}

impl PhoneNumber {
    /// The most digits of a number, calling code included (ITU-T E.164 §6).
    pub const MAX_DIGITS: usize = 15;

    /// A number that is already in E.164 form: a stored one, or one that a parser has made. The form is checked, not
    /// the numbering plan.
    ///
    /// # Errors
    /// When it is not `+`, a digit from 1 to 9, and 1 to 14 more digits.
    pub fn from_e164(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError::NotANumber)?;
        let well_formed = (2..=Self::MAX_DIGITS).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        if well_formed { Ok(Self(text.to_owned())) } else { Err(PhoneNumberError::NotANumber) }
    }

    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(redacted)")
    }
}

impl Phone {
    /// The longest spelling that is looked at.
    pub const MAX_CHARACTERS: usize = 250;

    /// Reads a number as people write it. `country` is the region in which a national spelling is dialled; a spelling
    /// that begins with `+` says its own.
    ///
    /// # Errors
    /// See [`PhoneNumberError`].
    pub fn read(spelling: &str, country: CountryCode, validation: PhoneValidation) -> Result<Self, PhoneNumberError> {
        if spelling.chars().count() > Self::MAX_CHARACTERS {
            return Err(PhoneNumberError::TooLong);
        }
        if spelling.chars().any(char::is_control) {
            return Err(PhoneNumberError::NotANumber);
        }
        let international = international_digits(spelling);
        let parse = |region, text: &str| phonenumber::parse(region, text).map_err(|_| PhoneNumberError::NotANumber);
        let e164 = if let Some(digits) = international {
            digits
        } else {
            let region = country.region().map_err(|_| PhoneNumberError::NotANumber)?;
            let parsed = parse(Some(region), spelling.trim())?;
            if parsed.extension().is_some() {
                return Err(PhoneNumberError::Extension);
            }
            parsed.format().mode(Mode::E164).to_string()
        };
        // What is accepted must be readable again, in any country: so it is read as it will be.
        let parsed = parse(None, &e164)?;
        let number = PhoneNumber::from_e164(&e164)?;
        match validation {
            PhoneValidation::Any => {}
            PhoneValidation::Possible if is_possible(&number, parsed.code().value()) => {}
            PhoneValidation::Possible => return Err(PhoneNumberError::NotPossible),
            PhoneValidation::Valid if phonenumber::is_valid(&parsed) => {}
            PhoneValidation::Valid => return Err(PhoneNumberError::NotValid),
        }
        let own = parsed.country().id().and_then(|id| CountryCode::parse(id.as_ref()).ok());
        Ok(Self { number, country: own.unwrap_or(country) })
    }
}

/// Loads the phone metadata, which takes about a tenth of a second: call it once at start, so that no request waits.
pub fn load_phone_metadata() {
    let _: &phonenumber::metadata::Database = &DATABASE;
}

/// `+` and the digits of a spelling that begins with `+` and holds but digits and separators (ITU-T E.123).
///
/// The crate's parser strips a national prefix from such numbers and refuses some without spaces, though nothing is
/// to be stripped: all digits after `+` count.
fn international_digits(spelling: &str) -> Option<String> {
    let rest = spelling.trim().strip_prefix('+')?;
    let separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '/');
    if !rest.chars().all(|c| c.is_ascii_digit() || separator(c)) {
        return None;
    }
    Some(std::iter::once('+').chain(rest.chars().filter(char::is_ascii_digit)).collect())
}

/// Whether numbers of the calling code's main region have this length. The metadata's general description says no
/// lengths, so they are the union of its types'.
fn is_possible(number: &PhoneNumber, calling_code: u16) -> bool {
    let national = number.as_str().len() - 1 - calling_code.to_string().len();
    let regions = DATABASE.by_code(&calling_code).unwrap_or_default();
    regions.first().is_some_and(|main| {
        dialable(main).flat_map(Descriptor::possible_length).any(|length| usize::from(*length) == national)
    })
}

fn dialable(region: &Metadata) -> impl Iterator<Item = &Descriptor> {
    let d = region.descriptors();
    [
        d.fixed_line(),
        d.mobile(),
        d.toll_free(),
        d.premium_rate(),
        d.shared_cost(),
        d.personal_number(),
        d.voip(),
        d.pager(),
        d.uan(),
        d.voicemail(),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(spelling: &str, country: &str, validation: PhoneValidation) -> Result<String, PhoneNumberError> {
        let phone = Phone::read(spelling, CountryCode::parse(country).unwrap(), validation)?;
        Ok(format!("{} {}", phone.number.as_str(), phone.country))
    }

    #[test]
    fn spellings_of_one_number_are_one_number() {
        for spelling in ["(418) 581-0827", "418 581 0827", "+14185810827", "+1 (418) 581-0827", "+1418-581-0827"] {
            assert_eq!(read(spelling, "CA", PhoneValidation::Valid).unwrap(), "+14185810827 CA", "{spelling}");
        }
    }

    #[test]
    fn a_plus_says_its_own_country_and_loses_no_digit() {
        assert!(read("+7 800 555 35 35", "US", PhoneValidation::Any).unwrap().starts_with("+78005553535 "));
        assert_eq!(read("+33 6 12 34 56 78", "US", PhoneValidation::Valid).unwrap(), "+33612345678 FR");
    }

    #[test]
    fn the_modes_differ_in_what_they_let_through() {
        use PhoneValidation::{Any, Possible, Valid};
        assert_eq!(read("333-333-333", "US", Any).unwrap(), "+1333333333 US");
        assert_eq!(read("333-333-333", "US", Possible), Err(PhoneNumberError::NotPossible));
        assert_eq!(read("333-333-3333", "US", Possible).unwrap(), "+13333333333 US");
        assert_eq!(read("333-333-3333", "US", Valid), Err(PhoneNumberError::NotValid));
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_reason() {
        for (spelling, reason) in [
            ("", PhoneNumberError::NotANumber),
            ("hello", PhoneNumberError::NotANumber),
            ("+", PhoneNumberError::NotANumber),
            ("+1418581\u{0}0827", PhoneNumberError::NotANumber),
            ("418-581-0827 ext. 5", PhoneNumberError::Extension),
        ] {
            assert_eq!(read(spelling, "CA", PhoneValidation::Any), Err(reason), "{spelling:?}");
        }
        assert_eq!(read(&"1".repeat(251), "CA", PhoneValidation::Any), Err(PhoneNumberError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_accepted_parses_to_itself_in_any_country(
            spelling in "\\+?[0-9 ()-]{5,20}",
            sent in prop::sample::select(vec!["US", "CA", "FR", "IT", "BR", "RU", "IN", "GB"]),
            other in prop::sample::select(vec!["US", "DE", "IT", "KZ"]),
        ) {
            let [sent, other] = [sent, other].map(|code| CountryCode::parse(code).unwrap());
            if let Ok(phone) = Phone::read(&spelling, sent, PhoneValidation::Any) {
                let again = Phone::read(phone.number.as_str(), other, PhoneValidation::Any).unwrap();
                prop_assert_eq!(again.number, phone.number);
            }
        }

        #[test]
        fn no_text_panics(
            spelling in prop_oneof![".{0,260}", "[+0-9 x#;=*()-]{0,30}"],
            country in prop::sample::select(vec!["US", "IT", "BR", "MX"]),
            validation in prop::sample::select(vec![PhoneValidation::Valid, PhoneValidation::Possible, PhoneValidation::Any]),
        ) {
            let _ = Phone::read(&spelling, CountryCode::parse(country).unwrap(), validation);
        }
    }
}
