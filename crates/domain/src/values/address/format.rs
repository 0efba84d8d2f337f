//! What an address has in a country: its fields in order, which of them are required, what they are called there.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::metadata::{self, Regions};
use super::postal_code;
use crate::CountryCode;

/// A field of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressField {
    /// Who gets the mail.
    Name,
    /// The company at which.
    Company,
    /// Street and number, or what stands for them.
    Line1,
    /// What did not fit into the first line.
    Line2,
    /// The postal code, by whatever name the country calls it.
    PostalCode,
    /// The city or what the country has in its place.
    City,
    /// The state, province, … .
    Region,
}

impl AddressField {
    /// Every field, in the order of the object.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::Company, Self::Line1, Self::Line2, Self::PostalCode, Self::City, Self::Region];

    /// The name of the field, in inputs and in errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
            Self::Line1 => "line1",
            Self::Line2 => "line2",
            Self::PostalCode => "postal_code",
            Self::City => "city",
            Self::Region => "region",
        }
    }
}

/// Declares the kinds of a field: what a country calls it. The names are those of the metadata.
macro_rules! kinds {
    ($(#[$meta:meta])* $kind:ident { $($(#[$variant_meta:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The kind's name, in snake case: a key for what it is called in a language.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The kind of a name.
            pub(super) fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }
        }
    };
}

kinds! {
    /// What a country calls its postal codes.
    PostalCodeKind {
        /// A postal code.
        Postal = "postal",
        /// A ZIP code.
        Zip = "zip",
        /// A PIN code.
        Pin = "pin",
        /// An Eircode.
        Eircode = "eircode",
    }
}

kinds! {
    /// What a country calls its first division.
    RegionKind {
        /// An area, as in Hong Kong.
        Area = "area",
        /// A county.
        County = "county",
        /// A department.
        Department = "department",
        /// A district.
        District = "district",
        /// A do or a si, as in South Korea.
        DoSi = "do_si",
        /// An emirate.
        Emirate = "emirate",
        /// An island.
        Island = "island",
        /// An oblast.
        Oblast = "oblast",
        /// A parish.
        Parish = "parish",
        /// A prefecture.
        Prefecture = "prefecture",
        /// A province: also where the metadata does not say.
        Province = "province",
        /// A state.
        State = "state",
    }
}

kinds! {
    /// What a country has in the place of a city.
    CityKind {
        /// A city.
        City = "city",
        /// A district.
        District = "district",
        /// A post town.
        PostTown = "post_town",
        /// A suburb.
        Suburb = "suburb",
    }
}

/// A state, province, … that a country's addresses can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRegion {
    /// What an address stores, and what is written on an envelope: "CA", "北海道".
    pub key: &'static str,
    /// The name in the country's own language: "California", "北海道".
    pub name: &'static str,
    /// The name in Latin letters, where the other is in none: "Hokkaido".
    pub latin_name: Option<&'static str>,
}

/// How addresses are in a country.
///
/// From Google's address metadata (`crates/domain/data/NOTICE`). Where that has an order of fields for Latin letters
/// besides the country's own, it is the one here, for that is how our forms are written. Sorting codes and localities
/// within a city, which few countries have, have no field: they go into a line.
pub struct AddressFormat {
    pub(super) rows: Vec<Vec<AddressField>>,
    pub(super) required: Vec<AddressField>,
    pub(super) region_kind: RegionKind,
    pub(super) postal_code_kind: PostalCodeKind,
    pub(super) city_kind: CityKind,
    pub(super) postal_code_prefix: &'static str,
    pub(super) postal_code_examples: &'static str,
    pub(super) postal_code_pattern: &'static str,
    pub(super) unused: Vec<AddressField>,
    /// The lines of the regions' file.
    pub(super) region_lines: &'static str,
    pub(super) regions: OnceLock<Regions>,
    pub(super) postal_code_regex: OnceLock<Option<Regex>>,
}

impl AddressFormat {
    /// The format of a country; one without metadata has that of a country of which nothing is known.
    pub fn of(country: CountryCode) -> &'static Self {
        metadata::format(country.as_str())
    }

    /// Every country whose addresses are known and that a [`CountryCode`] can name, by code.
    pub fn countries() -> impl Iterator<Item = CountryCode> {
        metadata::codes().filter_map(|code| CountryCode::parse(code).ok())
    }

    /// The fields in use, in the order in which an address is written; those of a row stand beside each other.
    pub fn rows(&self) -> &[Vec<AddressField>] {
        &self.rows
    }

    /// The fields that the country's addresses do not have. They may be filled in nevertheless.
    pub fn unused(&self) -> &[AddressField] {
        &self.unused
    }

    /// Whether the country's addresses have a field.
    pub fn uses(&self, field: AddressField) -> bool {
        !self.unused.contains(&field)
    }

    /// Whether an address without a field is refused.
    pub fn is_required(&self, field: AddressField) -> bool {
        matches!(field, AddressField::Name | AddressField::Line1) || self.required.contains(&field)
    }

    /// What the country calls its first division.
    pub fn region_kind(&self) -> RegionKind {
        self.region_kind
    }

    /// What the country calls its postal codes.
    pub fn postal_code_kind(&self) -> PostalCodeKind {
        self.postal_code_kind
    }

    /// What the country has in the place of a city.
    pub fn city_kind(&self) -> CityKind {
        self.city_kind
    }

    /// A postal code of the country, such as "33380"; `None` where any is taken.
    pub fn postal_code_example(&self) -> Option<&'static str> {
        self.postal_code_examples().next()
    }

    /// The regular expression that the whole of a stored postal code matches, if there is one.
    ///
    /// A postal code as it is typed may differ from it: [`Address::parse`](crate::Address::parse) mends case and
    /// separators first.
    pub fn postal_code_pattern(&self) -> Option<&'static str> {
        (!self.postal_code_pattern.is_empty()).then_some(self.postal_code_pattern)
    }

    /// Whether digits alone make a postal code, so that a keyboard of digits is enough (`inputmode="numeric"`).
    pub fn is_postal_code_numeric(&self) -> bool {
        let has_letters = self.postal_code_pattern.replace(r"\d", "").contains(|c: char| c.is_ascii_alphabetic());
        let digits = |example: &str| example.chars().filter(char::is_ascii_digit).collect::<String>();
        !has_letters
            && self
                .postal_code_regex()
                .is_some_and(|regex| self.postal_code_examples().any(|example| regex.is_match(&digits(example))))
    }

    /// The states, provinces, … that addresses can name, in the metadata's order; none when any text is taken.
    pub fn regions(&self) -> &[AddressRegion] {
        self.known_regions().list()
    }

    /// The key of a region in any of its spellings.
    pub(super) fn region_key(&self, text: &str) -> Option<&'static str> {
        self.known_regions().key(text)
    }

    /// A postal code in the country's spelling, when it can be one.
    pub(super) fn postal_code(&self, text: &str, country: CountryCode) -> Option<String> {
        let Some(regex) = self.postal_code_regex() else { return Some(text.to_owned()) };
        let is_separated = self.postal_code_examples.contains([' ', '-']);
        let prefixes = [self.postal_code_prefix, country.as_str()];
        postal_code::normalised(text, is_separated, prefixes, |candidate| regex.is_match(candidate))
    }

    pub(super) fn postal_code_examples(&self) -> impl Iterator<Item = &'static str> {
        self.postal_code_examples.split(',').filter(|example| !example.is_empty())
    }

    /// Compiled when it is first asked for; none, too, when it is no regular expression, which a test rules out.
    fn postal_code_regex(&self) -> Option<&Regex> {
        let compile = || {
            let pattern = format!("^(?:{})$", self.postal_code_pattern()?);
            // What is matched was brought to ASCII before, and without Unicode's tables this is much smaller.
            RegexBuilder::new(&pattern).unicode(false).build().ok()
        };
        self.postal_code_regex.get_or_init(compile).as_ref()
    }

    fn known_regions(&self) -> &Regions {
        self.regions.get_or_init(|| Regions::read(self.region_lines))
    }
}

impl std::fmt::Debug for AddressFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddressFormat")
            .field("rows", &self.rows)
            .field("required", &self.required)
            .field("postal_code_pattern", &self.postal_code_pattern)
            .finish_non_exhaustive()
    }
}
