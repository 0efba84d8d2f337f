//! The shapes that callers and receivers rely on. A snapshot that changes here changes every client.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use domain::{
    Change, ConfirmationPolicy, ConfirmationToken, CountryCode, Customer, CustomerId, Email, EventId, Moment,
    NewCustomer, PersonName, Phone, PhoneValidation, Profile, TimeDelta, Timestamp,
};
use insta::assert_json_snapshot;
use uuid::Uuid;
use wire::{CustomerUrls, Secrecy};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_472_808_006_004).unwrap() + TimeDelta::milliseconds(milliseconds)
}

fn new_customer() -> NewCustomer {
    let canada = CountryCode::parse("CA").unwrap();
    NewCustomer {
        id: CustomerId::parse("fffd7e80-1691-41f5-8946-9deeaf0b8640").unwrap(),
        phone: Phone::read("+14185810827", canada, PhoneValidation::Valid).unwrap(),
        profile: Profile {
            first_name: Some(PersonName::parse("Yogi").unwrap()),
            last_name: None,
            email: Some(Email::parse("yogi@berra.com").unwrap()),
        },
    }
}

fn moment(milliseconds: i64) -> Moment {
    Moment { now: at(milliseconds), event_id: EventId::from(Uuid::from_u128(7)) }
}

fn token() -> ConfirmationToken {
    ConfirmationToken::parse("042917").unwrap()
}

fn created() -> Change {
    Customer::create(new_customer(), token(), moment(0), &ConfirmationPolicy::default()).change.unwrap()
}

fn confirmed() -> Change {
    created().customer().confirm(token(), moment(61_000), &ConfirmationPolicy::default()).change.unwrap()
}

#[test]
fn an_unconfirmed_customer() {
    assert_json_snapshot!(wire::Customer::new(created().customer(), Secrecy::Shown));
}

#[test]
fn a_confirmed_customer_with_links() {
    let url = |code: &str| format!("https://customers.example.com/l/{code}");
    let urls = CustomerUrls {
        billing_address: url("6243c96243c9"),
        shipping_address: url("192b86192b86"),
        card: url("0896d50896d5"),
    };
    assert_json_snapshot!(wire::Customer::new(confirmed().customer(), Secrecy::Shown).with_urls(urls));
}

#[test]
fn a_customer_without_confirmation() {
    let customer = Customer::create_confirmed(new_customer(), at(0)).outcome.unwrap();
    assert_json_snapshot!(wire::Customer::new(&customer, Secrecy::Shown));
}

#[test]
fn a_customer_as_a_read_key_sees_him() {
    assert_json_snapshot!(wire::Customer::new(confirmed().customer(), Secrecy::Hidden));
}

#[test]
fn the_event_of_a_creation() {
    assert_json_snapshot!(wire::Event::new(&created().events()[0]));
}

#[test]
fn the_event_of_a_new_token() {
    let policy = ConfirmationPolicy::default();
    let change = created().customer().regenerate_token(token(), moment(30_000), &policy).change.unwrap();
    assert_json_snapshot!(wire::Event::new(&change.events()[0]));
}

#[test]
fn the_event_of_a_confirmation() {
    assert_json_snapshot!(wire::Event::new(&confirmed().events()[0]));
}
