//! A customer's addresses.

use domain::AddressPurpose;
use serde::Serialize;

use crate::as_text;

/// Both addresses of a customer, `null` where there is none.
#[derive(Debug, Serialize)]
pub struct Addresses<'a> {
    billing: Option<Address<'a>>,
    shipping: Option<Address<'a>>,
}

/// An address: eight members, in this order, always all there.
#[derive(Debug, Serialize)]
pub struct Address<'a> {
    name: &'a str,
    company: Option<&'a str>,
    line1: &'a str,
    line2: Option<&'a str>,
    postal_code: Option<&'a str>,
    city: Option<&'a str>,
    region: Option<&'a str>,
    #[serde(serialize_with = "as_text")]
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
