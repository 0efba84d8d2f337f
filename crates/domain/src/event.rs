//! What the service tells the world about a customer.

use crate::{AddressPurpose, ConfirmationToken, Customer, CustomerId, EventId, Timestamp};

/// A fact about one customer, stored with the change it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, the same in every delivery of it.
    pub id: EventId,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// Counts the customer's events, of all types, from 1 without a gap.
    pub sequence: i64,
    /// When it happened. Of one customer, a later event is never earlier than the one before.
    pub occurred_at: Timestamp,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventBody {
    /// A phone number is to be proved, or has been.
    Verification {
        /// Where the proof stands.
        status: VerificationStatus,
        /// The customer as he was stored with this event.
        customer: Box<Customer>,
    },
    /// Something that is kept about the customer changed.
    Updated {
        /// What did, at least one thing.
        changed: Vec<Changed>,
        /// The customer as he was stored with this event.
        customer: Box<Customer>,
    },
    /// All that was kept about the customer is gone.
    Erased,
}

/// What an update can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// E-mail address.
    Email,
    /// The number that is proved, on the caller's word.
    PhoneNumber,
    /// The number that is to be proved: back to the proved one, or along with it.
    UnconfirmedPhoneNumber,
    /// The region of the number.
    CountryCode,
    /// The address of this purpose: saved, replaced or removed.
    Address(AddressPurpose),
    /// The card: saved, replaced or removed.
    Card,
}

impl Changed {
    /// Its name, as the world sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::PhoneNumber => "phone_number",
            Self::UnconfirmedPhoneNumber => "unconfirmed_phone_number",
            Self::CountryCode => "country_code",
            Self::Address(AddressPurpose::Billing) => "billing_address",
            Self::Address(AddressPurpose::Shipping) => "shipping_address",
            Self::Card => "card",
        }
    }
}

/// The kinds of events that receivers choose by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// [`EventBody::Verification`].
    Verification,
    /// [`EventBody::Updated`].
    CustomerUpdated,
    /// [`EventBody::Erased`].
    CustomerErased,
}

impl EventType {
    /// Every type that receivers can choose.
    pub const ALL: [Self; 3] = [Self::Verification, Self::CustomerUpdated, Self::CustomerErased];

    /// Its name, as the world sees it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::CustomerUpdated => "customer.updated",
            Self::CustomerErased => "customer.erased",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl EventBody {
    /// What kind of event it is.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::Verification { .. } => EventType::Verification,
            Self::Updated { .. } => EventType::CustomerUpdated,
            Self::Erased => EventType::CustomerErased,
        }
    }
}

/// Where the proof of a phone number stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationStatus {
    /// The customer is to be asked for the token.
    Pending {
        /// Why there is a new token.
        reason: PendingReason,
        /// The token to send.
        token: ConfirmationToken,
        /// Until when it lives.
        expires_at: Timestamp,
    },
    /// The customer presented the token in time.
    Confirmed,
}

/// Why there is a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingReason {
    /// The customer is new.
    Created,
    /// A new token was asked for, or another number is to be proved.
    Regenerated,
}
