//! All that is stored about a customer.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Addresses, Card, Customer, Delivery, StoredEvent, Verification, WireTime};

/// All that is stored about a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonalData<'a> {
    /// The customer object.
    pub customer: Customer<'a>,
    /// Where the proof of his number stands.
    pub verification: Verification,
    /// His addresses.
    pub addresses: Addresses<'a>,
    /// His card, `null` where there is none.
    pub card: Option<Card<'a>>,
    /// His id at the card provider, `null` where he has none.
    pub card_provider_customer: Option<&'a str>,
    /// The links to his pages, without their codes.
    pub links: Vec<Link>,
    /// The events about him, as they were stored.
    #[schemars(with = "Vec<StoredEvent<'static>>")]
    pub events: Vec<Box<RawValue>>,
    /// Where they were sent.
    pub deliveries: Vec<Delivery<'a>>,
}

/// A link to one of his pages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Link {
    /// What it opens.
    #[schemars(example = &"billing_address")]
    purpose: &'static str,
    /// When it was made.
    created_at: WireTime,
    /// Until when it lives.
    expires_at: WireTime,
    /// When it was used up or replaced.
    revoked_at: Option<WireTime>,
}

impl Link {
    /// The document of a link.
    pub fn new(link: &domain::Link) -> Self {
        Self {
            purpose: link.purpose.as_str(),
            created_at: WireTime(link.created_at),
            expires_at: WireTime(link.expires_at),
            revoked_at: link.revoked_at.map(WireTime),
        }
    }
}
