//! The body of an address, read with all field errors at once.

use domain::{Address, AddressInput, CountryCode, FieldCode, FieldError};

use crate::body::Members;

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
