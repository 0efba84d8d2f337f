//! Postal addresses: what each country's have, and reading them.

mod format;
mod metadata;
mod postal_code;
mod purpose;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::format::{AddressField, AddressFormat, AddressRegion, CityKind, PostalCodeKind, RegionKind};
pub use self::purpose::AddressPurpose;
use super::CountryCode;
use super::card_number_guard::{CARD_NUMBER_REFUSED, contains_card_number};
use super::text::{is_directive, is_invisible};
use crate::{FieldCode, FieldError};

/// A postal address that has what its country's addresses need. Nothing says that it exists. Personal data: `Debug` is
/// redacted.
///
/// ```
/// use domain::{Address, AddressInput, CountryCode, FieldCode};
///
/// let input = |postal_code: &str, region: &str| AddressInput {
///     name: Some("Yogi Berra".to_owned()),
///     line1: Some("8 Yogi Berra Drive".to_owned()),
///     city: Some("Little Falls".to_owned()),
///     postal_code: Some(postal_code.to_owned()),
///     region: Some(region.to_owned()),
///     ..AddressInput::of(CountryCode::parse("US").unwrap())
/// };
/// let address = Address::parse(input(" 07424 ", "new jersey")).unwrap();
/// assert_eq!(address.region(), Some("NJ"));
/// assert_eq!(address, Address::parse(input("０７４２４", "NJ")).unwrap());
///
/// let errors = Address::parse(input("0742", "")).unwrap_err();
/// let errors: Vec<_> = errors.iter().map(|error| (&*error.field, error.code)).collect();
/// assert_eq!(errors, [("postal_code", FieldCode::Invalid), ("region", FieldCode::Missing)]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Address(AddressParts);

/// An address as it was written. `None` and white space are the same: nothing. Personal data: `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressInput {
    /// Who gets the mail.
    pub name: Option<String>,
    /// The company at which.
    pub company: Option<String>,
    /// Street and number.
    pub line1: Option<String>,
    /// What did not fit into the first line.
    pub line2: Option<String>,
    /// The postal code, in any of its spellings.
    pub postal_code: Option<String>,
    /// The city or what the country has in its place.
    pub city: Option<String>,
    /// The state, province, …: its key or one of its names.
    pub region: Option<String>,
    /// The country, whose rules hold.
    pub country: CountryCode,
}

/// What an [`Address`] consists of. Personal data: `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressParts {
    /// Who gets the mail.
    pub name: String,
    /// The company at which.
    pub company: Option<String>,
    /// Street and number.
    pub line1: String,
    /// What did not fit into the first line.
    pub line2: Option<String>,
    /// The postal code as the country writes it.
    pub postal_code: Option<String>,
    /// The city or what the country has in its place.
    pub city: Option<String>,
    /// The key of the state, province, … where those of the country are known; else its name as it was written.
    pub region: Option<String>,
    /// The country.
    pub country: CountryCode,
}

impl AddressInput {
    /// An address in a country, of which nothing else was said.
    pub fn of(country: CountryCode) -> Self {
        let [name, company, line1, line2, postal_code, city, region] = [const { None }; 7];
        Self { name, company, line1, line2, postal_code, city, region, country }
    }
}

impl Address {
    /// The longest field kept, in characters; [`Self::MAX_POSTAL_CODE_CHARACTERS`] for a postal code.
    pub const MAX_CHARACTERS: usize = 255;

    /// The longest postal code kept, in characters.
    pub const MAX_POSTAL_CODE_CHARACTERS: usize = 32;

    /// Reads an address by the rules of its country ([`AddressFormat`]); white space around a text is no part of it.
    ///
    /// The postal code and the region are brought to the country's own spelling. A field that the country's addresses
    /// do not have is kept as it was written.
    ///
    /// # Errors
    /// Every bad field, in the order of [`AddressField::ALL`].
    pub fn parse(input: AddressInput) -> Result<Self, Vec<FieldError>> {
        let AddressInput { name, company, line1, line2, postal_code, city, region, country } = input;
        let mut reader = Reader { country, format: AddressFormat::of(country), errors: Vec::new() };
        let parts = AddressParts {
            // A name and a first line that are missing are noted, and what is empty is never given out.
            name: reader.read(AddressField::Name, name.as_deref()).unwrap_or_default(),
            company: reader.read(AddressField::Company, company.as_deref()),
            line1: reader.read(AddressField::Line1, line1.as_deref()).unwrap_or_default(),
            line2: reader.read(AddressField::Line2, line2.as_deref()),
            postal_code: reader.read(AddressField::PostalCode, postal_code.as_deref()),
            city: reader.read(AddressField::City, city.as_deref()),
            region: reader.read(AddressField::Region, region.as_deref()),
            country,
        };
        if reader.errors.is_empty() { Ok(Self(parts)) } else { Err(reader.errors) }
    }

    /// For stores: an address that was parsed once, back from its parts.
    ///
    /// Only the shape of the texts is looked at. The rules of a country may change, and what is stored must stay
    /// readable.
    ///
    /// # Errors
    /// The first field whose text no address has.
    pub fn stored(parts: AddressParts) -> Result<Self, AddressField> {
        let is_bad = |field: &AddressField| match parts.text(*field) {
            Some(text) => text.trim().is_empty() || fault(*field, text).is_some(),
            None => matches!(field, AddressField::Name | AddressField::Line1),
        };
        AddressField::ALL.into_iter().find(is_bad).map_or(Ok(Self(parts)), Err)
    }

    /// All of it.
    pub fn parts(&self) -> &AddressParts {
        &self.0
    }

    /// All of it, taken.
    pub fn into_parts(self) -> AddressParts {
        self.0
    }

    /// Who gets the mail.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The company at which.
    pub fn company(&self) -> Option<&str> {
        self.0.company.as_deref()
    }

    /// Street and number.
    pub fn line1(&self) -> &str {
        &self.0.line1
    }

    /// What did not fit into the first line.
    pub fn line2(&self) -> Option<&str> {
        self.0.line2.as_deref()
    }

    /// The postal code as the country writes it.
    pub fn postal_code(&self) -> Option<&str> {
        self.0.postal_code.as_deref()
    }

    /// The city or what the country has in its place.
    pub fn city(&self) -> Option<&str> {
        self.0.city.as_deref()
    }

    /// The key of the state, province, … where those of the country are known; else its name as it was written.
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// The country.
    pub fn country(&self) -> CountryCode {
        self.0.country
    }
}

impl AddressParts {
    /// The text of a field.
    pub fn text(&self, field: AddressField) -> Option<&str> {
        match field {
            AddressField::Name => Some(&self.name),
            AddressField::Company => self.company.as_deref(),
            AddressField::Line1 => Some(&self.line1),
            AddressField::Line2 => self.line2.as_deref(),
            AddressField::PostalCode => self.postal_code.as_deref(),
            AddressField::City => self.city.as_deref(),
            AddressField::Region => self.region.as_deref(),
        }
    }
}

/// Parts as an input: to be parsed again after an edit.
impl From<AddressParts> for AddressInput {
    fn from(parts: AddressParts) -> Self {
        let AddressParts { name, company, line1, line2, postal_code, city, region, country } = parts;
        Self { name: Some(name), company, line1: Some(line1), line2, postal_code, city, region, country }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(redacted)")
    }
}

impl fmt::Debug for AddressInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressInput(redacted)")
    }
}

impl fmt::Debug for AddressParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressParts(redacted)")
    }
}

/// Reads fields, and notes what is wrong with them.
struct Reader {
    country: CountryCode,
    format: &'static AddressFormat,
    errors: Vec<FieldError>,
}

impl Reader {
    /// The text to keep for a field. A bad one is noted, and absent.
    fn read(&mut self, field: AddressField, text: Option<&str>) -> Option<String> {
        // A text in which nothing is to be seen is nothing.
        let is_blank = |text: &str| text.chars().all(|c| c.is_whitespace() || is_invisible(c));
        let read = match text.map(str::trim).filter(|text| !is_blank(text)) {
            Some(text) => self.checked(field, text).map(Some),
            None if self.format.is_required(field) => Err((FieldCode::Missing, "is required".to_owned())),
            None => Ok(None),
        };
        read.unwrap_or_else(|(code, detail)| {
            self.errors.push(FieldError::new(field.as_str(), code, detail));
            None
        })
    }

    fn checked(&self, field: AddressField, text: &str) -> Result<String, Fault> {
        if let Some(fault) = fault(field, text) {
            return Err(fault);
        }
        if contains_card_number(text) {
            return Err((FieldCode::Invalid, CARD_NUMBER_REFUSED.to_owned()));
        }
        match field {
            AddressField::PostalCode if self.format.uses(field) => self.postal_code(text),
            AddressField::Region if self.format.uses(field) => self.region(text),
            _ => Ok(text.to_owned()),
        }
    }

    fn postal_code(&self, text: &str) -> Result<String, Fault> {
        self.format.postal_code(text, self.country).ok_or_else(|| {
            let example = self.format.postal_code_example().unwrap_or_default();
            (FieldCode::Invalid, format!("must look like {example}"))
        })
    }

    fn region(&self, text: &str) -> Result<String, Fault> {
        let known = self.format.regions();
        match (self.format.region_key(text), known.first()) {
            (Some(key), _) => Ok(key.to_owned()),
            (None, Some(region)) if self.format.is_required(AddressField::Region) => {
                let name = region.latin_name.unwrap_or(region.name);
                let detail = format!("must be one of the {} regions of {}, such as {name}", known.len(), self.country);
                Err((FieldCode::Invalid, detail))
            }
            (None, _) => Ok(text.to_owned()),
        }
    }
}

/// What is wrong with a field: the kind and the rest of the sentence.
type Fault = (FieldCode, String);

/// What is wrong with the shape of a text, whatever the country.
fn fault(field: AddressField, text: &str) -> Option<Fault> {
    let most = match field {
        AddressField::PostalCode => Address::MAX_POSTAL_CODE_CHARACTERS,
        _ => Address::MAX_CHARACTERS,
    };
    if text.chars().any(is_directive) {
        Some((FieldCode::Invalid, "must not contain control characters".to_owned()))
    } else if text.chars().count() > most {
        Some((FieldCode::TooLong, format!("must be at most {most} characters")))
    } else {
        None
    }
}
