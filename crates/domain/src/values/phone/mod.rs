//! Phone numbers in E.164 form, and reading them out of what people write.
//!
//! The rules are libphonenumber's, on the metadata of the crate `phonenumber`, whose own parser reads some good numbers
//! as other people's. `spelling` finds the digits in a text, `national` takes calling code and prefixes off, and
//! `numbering_plan` knows the numbers of each region.

mod digits;
#[cfg(test)]
mod fuzz;
mod national;
mod numbering_plan;
mod spelling;

use std::fmt;

pub(super) use self::digits::decimal_digit;
use self::national::NationalNumber;
pub(super) use self::numbering_plan::NumberingPlans;
pub use self::numbering_plan::PHONE_METADATA_VERSION;
use self::spelling::Spelling;
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
    /// It has a length that numbers of its calling code have. New area codes pass, and the token proves the number
    /// anyway.
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

/// Why a spelling is no phone number. Each reads as the rest of a sentence that begins with the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// Longer than any spelling of a number.
    #[error("must be at most {} characters", Phone::MAX_CHARACTERS)]
    TooManyCharacters,
    /// A character that is no part of any text.
    #[error("must not have control characters, such as tabs and line breaks")]
    ControlCharacter,
    /// Not a number at all.
    #[error("must be a phone number, such as \"+14185810827\" or a number as it is dialled in `country_code`")]
    NotANumber,
    /// A number within a company: no token can be sent to it.
    #[error("must not have an extension: a confirmation token cannot be sent to one")]
    Extension,
    /// International, of a country that does not exist.
    #[error(
        "does not begin with the calling code of a country; check the digits after \"+\" or the international prefix"
    )]
    UnknownCallingCode,
    /// Once in E.164 form, it would be read as another number. Hardly any valid number is so.
    #[error(
        "begins with digits that may be a dialling prefix; write it as \"+\", calling code and number, with no prefix"
    )]
    AmbiguousPrefix,
    /// Fewer digits than numbers of the calling code have or, where any length passes, than a number can have.
    #[error("is too short: at least {least} digits must follow the calling code +{calling_code}")]
    TooShort {
        /// The calling code.
        calling_code: u16,
        /// The fewest digits after it.
        least: usize,
    },
    /// More digits than numbers of the calling code have or, where any length passes, than a number can have.
    #[error("is too long: at most {most} digits may follow the calling code +{calling_code}")]
    TooLong {
        /// The calling code.
        calling_code: u16,
        /// The most digits after it.
        most: usize,
    },
    /// Neither too short nor too long, but between the lengths that numbers of the calling code have.
    #[error("has a number of digits that no number of +{calling_code} has; check that none is missing or doubled")]
    ImpossibleLength {
        /// The calling code.
        calling_code: u16,
    },
    /// Dialled within its area only.
    #[error("is a local number of +{calling_code}; write it with its area code")]
    AreaCodeMissing {
        /// The calling code.
        calling_code: u16,
    },
    /// Outside the numbering plan.
    #[error(
        "has the length of a number of +{calling_code}, but there is none with these digits; check them and `country_code`"
    )]
    NotInNumberingPlan {
        /// The calling code.
        calling_code: u16,
    },
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

    /// Reads a number that is looked for, as people write it: like [`Phone::read`], but of any length, since what is
    /// stored may be older than the rules of today. Without a country, `None` unless the spelling is in international
    /// notation: nobody can tell whose number it is.
    ///
    /// ```
    /// use domain::PhoneNumber;
    ///
    /// let number = PhoneNumber::from_e164("+14185810827").ok();
    /// assert_eq!(PhoneNumber::sought("+1 (418) 581-0827", None), Ok(number));
    /// assert_eq!(PhoneNumber::sought("(418) 581-0827", None), Ok(None));
    /// ```
    ///
    /// # Errors
    /// See [`PhoneNumberError`].
    pub fn sought(spelling: &str, country: Option<CountryCode>) -> Result<Option<Self>, PhoneNumberError> {
        let spelling = read_spelling(spelling)?;
        if country.is_none() && !spelling.plus {
            return Ok(None);
        }
        let number = NationalNumber::read(&spelling, country, NumberingPlans::get())?;
        number.check_readable()?;
        number.check_unambiguous()?;
        Ok(Some(number.to_e164()))
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
    /// in international notation says its own.
    ///
    /// # Errors
    /// See [`PhoneNumberError`].
    pub fn read(spelling: &str, country: CountryCode, validation: PhoneValidation) -> Result<Self, PhoneNumberError> {
        let spelling = read_spelling(spelling)?;
        let number = NationalNumber::read(&spelling, Some(country), NumberingPlans::get())?;
        match validation {
            PhoneValidation::Any => number.check_readable()?,
            PhoneValidation::Possible => number.check_length()?,
            PhoneValidation::Valid => number.check_plan()?,
        }
        number.check_unambiguous()?;
        Ok(Self { number: number.to_e164(), country: number.region().unwrap_or(country) })
    }
}

/// The number in a text that may be one.
fn read_spelling(text: &str) -> Result<Spelling, PhoneNumberError> {
    if text.chars().nth(Phone::MAX_CHARACTERS).is_some() {
        return Err(PhoneNumberError::TooManyCharacters);
    }
    if text.chars().any(char::is_control) {
        return Err(PhoneNumberError::ControlCharacter);
    }
    Spelling::read(text)
}

#[cfg(test)]
mod tests;
