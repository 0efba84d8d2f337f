//! The customer object.

use domain::{ConfirmationToken, Customer as DomainCustomer};
use serde::Serialize;

use crate::{WireTime, as_text};

/// Whether the reader may see what lets its holder confirm or edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// He may.
    Shown,
    /// He may not: token and URLs are `null`.
    Hidden,
}

/// The three URLs of the customer's own pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerUrls {
    /// Where the billing address is edited.
    pub billing_address: String,
    /// Where the shipping address is edited.
    pub shipping_address: String,
    /// Where the card is edited.
    pub card: String,
}

/// The customer object: fifteen members, in this order, always all there.
#[derive(Debug, Serialize)]
pub struct Customer<'a> {
    #[serde(serialize_with = "as_text")]
    id: domain::CustomerId,
    phone_number: Option<&'a str>,
    unconfirmed_phone_number: &'a str,
    #[serde(serialize_with = "as_text")]
    country_code: domain::CountryCode,
    email: Option<&'a str>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    confirmation_token: Option<String>,
    billing_address_url: Option<String>,
    shipping_address_url: Option<String>,
    card_url: Option<String>,
    confirmed_at: Option<WireTime>,
    confirmation_sent_at: Option<WireTime>,
    created_at: WireTime,
    updated_at: WireTime,
}

impl<'a> Customer<'a> {
    /// The object of a customer, its URLs `null`.
    pub fn new(customer: &'a DomainCustomer, secrecy: Secrecy) -> Self {
        let profile = customer.profile();
        let token = customer.confirmation_token().filter(|_| secrecy == Secrecy::Shown);
        Self {
            id: customer.id(),
            phone_number: customer.phone_number().map(domain::PhoneNumber::as_str),
            unconfirmed_phone_number: customer.unconfirmed_phone_number().as_str(),
            country_code: customer.country_code(),
            email: profile.email.as_ref().map(domain::Email::as_str),
            first_name: profile.first_name.as_ref().map(domain::PersonName::as_str),
            last_name: profile.last_name.as_ref().map(domain::PersonName::as_str),
            confirmation_token: token.map(ConfirmationToken::expose),
            billing_address_url: None,
            shipping_address_url: None,
            card_url: None,
            confirmed_at: customer.confirmed_at().map(WireTime),
            confirmation_sent_at: customer.confirmation_sent_at().map(WireTime),
            created_at: WireTime(customer.parts().created_at),
            updated_at: WireTime(customer.parts().updated_at),
        }
    }

    /// The same with URLs.
    #[must_use]
    pub fn with_urls(self, urls: CustomerUrls) -> Self {
        let CustomerUrls { billing_address, shipping_address, card } = urls;
        Self {
            billing_address_url: Some(billing_address),
            shipping_address_url: Some(shipping_address),
            card_url: Some(card),
            ..self
        }
    }
}
