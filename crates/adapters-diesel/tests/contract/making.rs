//! Customers and changes as the domain makes them, each with a number and ids of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use domain::{
    Address, AddressInput, AddressPurpose, Card, CardParts, Change, ConfirmationPolicy, ConfirmationToken, CountryCode,
    Customer, CustomerId, Decision, Email, EventId, Member, Moment, NewCustomer, NumberMemory, PersonName, Phone,
    PhoneNumber, Profile, ProfileEdits, Timestamp,
};
use uuid::Uuid;

static COUNTER: AtomicU32 = AtomicU32::new(1);

pub(crate) fn fresh_number() -> u32 {
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn fresh_uuid() -> Uuid {
    // The counter stands in front and behind, so that these ids are in order like those of version 7.
    let number = u128::from(fresh_number());
    Uuid::from_u128(number << 96 | 0x7000_8000_0000_0000_0000 | number)
}

/// A time in whole milliseconds: seconds after a fixed start, which has milliseconds of its own.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_795_464_000_123).unwrap() + TimeDelta::seconds(seconds)
}

pub(crate) fn moment(seconds: i64) -> Moment {
    Moment { now: at(seconds), event_id: EventId::from(fresh_uuid()) }
}

/// A policy under which nothing has to wait.
pub(crate) fn policy() -> ConfirmationPolicy {
    ConfirmationPolicy { resend_interval: TimeDelta::zero(), ..ConfirmationPolicy::default() }
}

pub(crate) fn token(number: u32) -> ConfirmationToken {
    ConfirmationToken::from_number(number).unwrap()
}

pub(crate) fn new_customer() -> NewCustomer {
    let number = PhoneNumber::from_e164(&format!("+1418{:07}", fresh_number())).unwrap();
    NewCustomer {
        id: CustomerId::from(fresh_uuid()),
        phone: Phone { number, country: CountryCode::parse("CA").unwrap() },
        profile: Profile::default(),
    }
}

pub(crate) fn full_profile() -> Profile {
    Profile {
        first_name: Some(PersonName::parse("Zoë-Ana 李 O'Neil \"x\" \\").unwrap()),
        last_name: Some(PersonName::parse(&"é".repeat(255)).unwrap()),
        email: Some(Email::parse("yogi+bear@berra.example").unwrap()),
    }
}

/// The change that brings a customer into being.
pub(crate) fn creation(new: NewCustomer) -> Change {
    creation_of(new, token(42))
}

/// The same with this token.
pub(crate) fn creation_of(new: NewCustomer, token: ConfirmationToken) -> Change {
    changed(Customer::create(new, &NumberMemory::default(), token, moment(0), &policy()))
}

pub(crate) fn changed(decision: Decision<Customer>) -> Change {
    decision.change.expect("a change")
}

pub(crate) fn renamed(customer: &Customer, name: &str, seconds: i64) -> Change {
    let first_name = Member::Value(PersonName::parse(name).unwrap());
    changed(customer.update(ProfileEdits { first_name, ..ProfileEdits::default() }, moment(seconds)))
}

pub(crate) fn regenerated(customer: &Customer, number: u32, seconds: i64) -> Change {
    changed(customer.regenerate_token(token(number), moment(seconds), &policy()))
}

/// An address with every field that there is.
pub(crate) fn full_address() -> Address {
    let text = |text: &str| Some(text.to_owned());
    let input = AddressInput {
        name: text("Zoë-Ana 李 O'Neil \"x\" \\"),
        company: text("Ours & Theirs; DROP TABLE addresses"),
        line1: text(&"é".repeat(255)),
        line2: text("c/o 'nobody'"),
        postal_code: text("07424"),
        city: text("Little Falls"),
        region: text("NJ"),
        country: CountryCode::parse("US").unwrap(),
    };
    Address::parse(input).unwrap()
}

/// An address with no more than it must have.
pub(crate) fn sparse_address() -> Address {
    let input = AddressInput {
        name: Some("Yogi Berra".to_owned()),
        line1: Some("8 Main Street".to_owned()),
        city: Some("Roseau".to_owned()),
        ..AddressInput::of(CountryCode::parse("DM").unwrap())
    };
    Address::parse(input).unwrap()
}

/// A card with ids of its own.
pub(crate) fn new_card(provider: &str, seconds: i64) -> Card {
    let number = fresh_number();
    let parts = CardParts {
        provider: provider.to_owned(),
        payment_method: format!("pm_{number}"),
        setup: format!("seti_{number}"),
        brand: "visa".to_owned(),
        last4: "0042".to_owned(),
        exp_month: 12,
        exp_year: 2030,
        updated_at: at(seconds),
    };
    Card::new(parts).unwrap()
}

/// The change of an address, whatever is kept now.
pub(crate) fn relocated(
    customer: &Customer,
    purpose: AddressPurpose,
    address: Option<Address>,
    seconds: i64,
) -> Change {
    // An address that differs from both.
    let other = if address.is_none() { Some(full_address()) } else { None };
    customer.set_address(purpose, other.as_ref(), address, moment(seconds)).change.expect("a change")
}

/// The change of a card, where `stored` is kept now.
pub(crate) fn with_card(customer: &Customer, stored: Option<&Card>, card: Option<Card>, seconds: i64) -> Change {
    customer.set_card(stored, card, moment(seconds)).change.expect("a change")
}
