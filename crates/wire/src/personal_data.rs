//! All that is stored about a customer.

use domain::PhoneState;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Addresses, Card, Customer, Delivery, Secrecy, StoredEvent, Verification, WireTime};

/// All that is stored about a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PersonalData<'a> {
    /// The customer object.
    pub customer: Customer<'a>,
    /// Where the proof of his number stands.
    pub verification: Verification,
    /// What is kept for the sake of that proof.
    pub proof: ProofData,
    /// His addresses.
    pub addresses: Addresses<'a>,
    /// His card, `null` where there is none.
    pub card: Option<Card<'a>>,
    /// The card as its provider knows it, `null` where there is none.
    pub card_at_provider: Option<CardAtProvider<'a>>,
    /// His id at the card provider, `null` where he has none.
    pub card_provider_customer: Option<&'a str>,
    /// The links to his pages, without their codes.
    pub links: Vec<Link<'a>>,
    /// The events about him, as they were stored.
    #[schemars(with = "Vec<StoredEvent<'static>>")]
    pub events: Vec<Box<RawValue>>,
    /// Where they were sent.
    pub deliveries: Vec<Delivery<'a>>,
}

/// What is kept for the sake of the proof of a number: what is counted, and what waits beside the customer object.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofData {
    /// When he presented wrong tokens within the last 24 hours.
    wrong_tries: Vec<WireTime>,
    /// When wrong tokens were presented for the number that waits, or waited last, within the last 24 hours, by whoever
    /// held it.
    number_wrong_tries: Vec<WireTime>,
    /// When tokens were made for that number within the last 24 hours.
    number_tokens: Vec<WireTime>,
    /// When his last token was made.
    last_token_at: Option<WireTime>,
    /// How many tokens he got in a row.
    #[schemars(example = 1)]
    tokens_in_row: u32,
    /// When he asked for the number that waits beside the one that is his.
    change_requested_at: Option<WireTime>,
    /// The token that proved the number that is his, while another number waits; `null` for a key that only reads.
    held_token: Option<String>,
    /// When that token was sent.
    held_token_sent_at: Option<WireTime>,
}

impl ProofData {
    /// What is kept of this customer.
    pub fn new(customer: &domain::Customer, secrecy: Secrecy) -> Self {
        let parts = customer.parts();
        let times = |times: &[domain::Timestamp]| times.iter().copied().map(WireTime).collect();
        let change = match &parts.phone {
            PhoneState::Changing(change) => Some(change),
            PhoneState::Unconfirmed(_) | PhoneState::Confirmed(_) => None,
        };
        let held = change.map(|change| &change.held);
        Self {
            wrong_tries: times(&parts.throttle.wrong_tries),
            number_wrong_tries: times(&parts.throttle.number.wrong_tries),
            number_tokens: times(&parts.throttle.number.tokens),
            last_token_at: parts.throttle.last_token_at.map(WireTime),
            tokens_in_row: parts.throttle.tokens_in_row,
            change_requested_at: change.map(|change| WireTime(change.requested_at)),
            held_token: held
                .and_then(domain::Confirmed::token)
                .filter(|_| secrecy == Secrecy::Shown)
                .map(domain::ConfirmationToken::expose),
            held_token_sent_at: held.and_then(domain::Confirmed::sent_at).map(WireTime),
        }
    }
}

/// A card as its provider knows it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CardAtProvider<'a> {
    /// Which provider.
    #[schemars(example = &"stripe")]
    provider: &'a str,
    /// The provider's id of the card.
    #[schemars(example = &"pm_1MtwBwLkdIwHu7ix")]
    payment_method: &'a str,
    /// The provider's id of the procedure that brought it.
    #[schemars(example = &"seti_1MtwBwLkdIwHu7iy")]
    setup: &'a str,
}

impl<'a> CardAtProvider<'a> {
    /// What is kept of this card.
    pub fn new(card: &'a domain::Card) -> Self {
        let parts = card.parts();
        Self { provider: &parts.provider, payment_method: &parts.payment_method, setup: &parts.setup }
    }
}

/// A link to one of his pages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Link<'a> {
    /// What it opens.
    #[schemars(example = &"billing_address")]
    purpose: &'static str,
    /// When it was made.
    created_at: WireTime,
    /// Until when it lives.
    expires_at: WireTime,
    /// When it was used up or replaced.
    revoked_at: Option<WireTime>,
    /// The card provider's id of what was begun with it.
    card_setup: Option<&'a str>,
}

impl<'a> Link<'a> {
    /// The document of a link.
    pub fn new(link: &'a domain::Link) -> Self {
        Self {
            purpose: link.purpose.as_str(),
            created_at: WireTime(link.created_at),
            expires_at: WireTime(link.expires_at),
            revoked_at: link.revoked_at.map(WireTime),
            card_setup: link.card_setup.as_deref(),
        }
    }
}
