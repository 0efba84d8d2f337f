//! The customer object.

use domain::{ConfirmationToken, Customer as DomainCustomer};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{WireTime, as_text, schema};

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
#[derive(Debug, Serialize, JsonSchema)]
pub struct Customer<'a> {
    /// A UUID.
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::customer_id")]
    id: domain::CustomerId,
    /// The number that was proved to be his, in E.164.
    #[schemars(example = &"+14185810827")]
    phone_number: Option<&'a str>,
    /// The number that is to be proved, in E.164; the same as `phone_number` once it is.
    #[schemars(example = &"+14185810827")]
    unconfirmed_phone_number: &'a str,
    /// The region that the number belongs to (ISO 3166-1 alpha-2).
    #[serde(serialize_with = "as_text")]
    #[schemars(schema_with = "schema::country_code")]
    country_code: domain::CountryCode,
    /// His e-mail address, as it was written.
    #[schemars(example = &"yogi@berra.com")]
    email: Option<&'a str>,
    /// His first name.
    #[schemars(example = &"Yogi")]
    first_name: Option<&'a str>,
    /// His last name.
    #[schemars(example = &"Berra")]
    last_name: Option<&'a str>,
    /// Six digits that prove the number, to be sent to it and nobody else. `null` for a key with the scope `read`.
    #[schemars(regex(pattern = "^[0-9]{6}$"), example = &"042917")]
    confirmation_token: Option<String>,
    /// His own page for the billing address, for a while. Only *retrieve* fills it, and not for a key with the scope `read`.
    #[schemars(url, example = &"https://customers.example.com/l/b1LLingAddr3")]
    billing_address_url: Option<String>,
    /// The same for the shipping address.
    #[schemars(url, example = &"https://customers.example.com/l/sh1ppingAdd7")]
    shipping_address_url: Option<String>,
    /// The same for the card.
    #[schemars(url, example = &"https://customers.example.com/l/cardL1nkOne5")]
    card_url: Option<String>,
    /// When the number was proved.
    confirmed_at: Option<WireTime>,
    /// When a receiver of events accepted the one with the current token.
    confirmation_sent_at: Option<WireTime>,
    /// When he was created.
    created_at: WireTime,
    /// When a member of this object, an address or the card last changed.
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
