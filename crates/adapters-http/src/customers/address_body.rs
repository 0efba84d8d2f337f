//! The body of an address, read with all field errors at once.

use domain::{Address, AddressInput, CountryCode, FieldCode, FieldError};

use crate::body::Members;
use crate::operation::{Kind, Parameter};

/// What [`address`] reads.
pub(super) const ADDRESS_BODY: [Parameter; 8] = [
    line("name", "Who receives it.").example("Yogi Berra"),
    line("company", "A company, or whatever stands beneath the name."),
    line("line1", "Street and number.").example("1 Wellington St"),
    line("line2", "Flat, floor, building."),
    Parameter::new(
        "postal_code",
        Kind::at_most(Address::MAX_POSTAL_CODE_CHARACTERS),
        "As the country writes it, in whichever spelling.",
    )
    .nullable()
    .example("K1A 0A6"),
    line("city", "City or town.").example("Ottawa"),
    line("region", "Province, state, county: its code or its name where the country has some.").example("ON"),
    Parameter::new(
        "country",
        Kind::pattern(r"^\s*[A-Za-z]{2}\s*$"),
        "ISO 3166-1 alpha-2. Its rules say what else is needed, and how it is spelled.",
    )
    .required()
    .example("CA"),
];

const fn line(name: &'static str, text: &'static str) -> Parameter {
    Parameter::new(name, Kind::at_most(Address::MAX_CHARACTERS), text).nullable()
}

/// The address, or all that is wrong with it. Without a country its rules are unknown, so then only what is wrong in any
/// country is told.
pub(super) fn address(mut members: Members) -> Result<Address, Vec<FieldError>> {
    let mut text = |name| members.text(name).value();
    let (name, company) = (text("name"), text("company"));
    let (line1, line2) = (text("line1"), text("line2"));
    let (postal_code, city, region) = (text("postal_code"), text("city"), text("region"));
    let country = members.required_text("country").and_then(|code| {
        CountryCode::parse(&code).map_err(|error| members.refuse("country", FieldCode::Invalid, error)).ok()
    });
    let address = country.map(|country| {
        Address::parse(AddressInput { name, company, line1, line2, postal_code, city, region, country })
    });
    let mut errors = members.into_errors();
    match address {
        Some(Ok(address)) if errors.is_empty() => return Ok(address),
        // A member of a wrong type is told as that, not as missing too.
        Some(Err(of_address)) => {
            let told: Vec<_> = errors.iter().map(|error| error.field.clone()).collect();
            errors.extend(of_address.into_iter().filter(|error| !told.contains(&error.field)));
        }
        Some(Ok(_)) | None => {}
    }
    Err(errors)
}
