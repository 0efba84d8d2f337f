//! A customer's addresses.

use domain::AddressPurpose;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{as_text, schema};

/// Both addresses of a customer, `null` where there is none.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Addresses<'a> {
    /// The billing address.
    billing: Option<Address<'a>>,
    /// The shipping address.
    shipping: Option<Address<'a>>,
}

/// An address: eight members, in this order, always all there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Address<'a> {
    /// Who receives it.
    #[schemars(example = &"Yogi Berra")]
    name: &'a str,
    /// A company, or whatever stands beneath the name.
    #[schemars(example = &"Yankees Inc.")]
    company: Option<&'a str>,
    /// Street and number.
    #[schemars(example = &"1 Wellington St")]
    line1: &'a str,
    /// Flat, floor, building.
    #[schemars(example = &"Unit 4")]
    line2: Option<&'a str>,
    /// As the country writes it.
    #[schemars(example = &"K1A 0A6")]
    postal_code: Option<&'a str>,
    /// City or town.
    #[schemars(example = &"Ottawa")]
    city: Option<&'a str>,
    /// Province, state, county: the code where the country has some.
    #[schemars(example = &"ON")]
    region: Option<&'a str>,
    /// ISO 3166-1 alpha-2.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::country_code")]
    country: domain::CountryCode,
}

impl<'a> Addresses<'a> {
    /// The document of both addresses.
    pub fn new(addresses: &'a domain::Addresses) -> Self {
        let address = |purpose| addresses.get(purpose).map(Address::new);
        Self { billing: address(AddressPurpose::Billing), shipping: address(AddressPurpose::Shipping) }
    }
}

impl<'a> Address<'a> {
    /// The document of an address.
    pub fn new(address: &'a domain::Address) -> Self {
        let parts = address.parts();
        Self {
            name: &parts.name,
            company: parts.company.as_deref(),
            line1: &parts.line1,
            line2: parts.line2.as_deref(),
            postal_code: parts.postal_code.as_deref(),
            city: parts.city.as_deref(),
            region: parts.region.as_deref(),
            country: parts.country,
        }
    }
}
