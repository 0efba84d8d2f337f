//! The heart of the service: what a customer is, how a phone number is proved, and what is told to the world.
//!
//! Everything here is pure. A transition takes the state and the facts (the time, fresh ids, a fresh token) and
//! returns a [`Decision`]: the change to store, if any, and the outcome or the [`Refusal`] to report. No clock, no
//! randomness, no I/O, no serialisation: those live in adapters, behind ports.
//!
//! Values ([`PhoneNumber`], [`Email`], …) cannot be wrong once made: each has one constructor, which refuses with a
//! reason in the caller's words.

mod card;
mod customer;
mod decision;
mod event;
mod field_error;
mod link;
mod policy;
mod values;
mod webhook;

pub use card::{Card, CardError, CardParts};
pub use customer::{
    Addresses, Asserted, Challenge, Confirmed, Customer, CustomerParts, Member, NewCustomer, NumberChange,
    NumberMemory, PhoneState, Profile, ProfileEdits, Proof, Throttle, Verification, VerificationStanding,
};
pub use decision::{Change, Decision, DetailChange, Moment, Refusal};
pub use event::{Changed, Event, EventBody, EventType, PendingReason, VerificationStatus};
pub use field_error::{FieldCode, FieldError};
pub use link::{Link, LinkPurpose};
pub use policy::{ConfirmationPolicy, LinkPolicy};
pub use values::{
    Address, AddressField, AddressFormat, AddressInput, AddressParts, AddressPurpose, AddressRegion,
    CARD_NUMBER_REFUSED, CityKind, ConfirmationToken, ConfirmationTokenError, CountryCode, CountryCodeError,
    CustomerId, DeliveryId, Email, EmailError, EndpointId, EventId, LinkId, PHONE_METADATA_VERSION, PersonName,
    PersonNameError, Phone, PhoneNumber, PhoneNumberError, PhoneValidation, PostalCodeKind, RegionKind,
    contains_card_number,
};

pub use webhook::{
    AfterTry, Delivery, DeliveryPolicy, DeliveryStatus, DeliveryTry, Disabled, DisabledReason, Repeat, WebhookEndpoint,
};

/// A length of time.
pub use chrono::TimeDelta;

/// A moment in UTC. The service works in whole milliseconds: that is what callers see and what both databases keep.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
