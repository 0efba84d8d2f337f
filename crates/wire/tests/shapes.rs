//! The shapes that callers and receivers rely on. A snapshot that changes here changes every client.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use domain::{
    Address, AddressInput, AddressPurpose, Addresses, Card, CardParts, Change, ConfirmationPolicy, ConfirmationToken,
    CountryCode, Customer, CustomerId, Delivery, DeliveryId, DeliveryStatus, DeliveryTry, Disabled, DisabledReason,
    Email, EndpointId, EventId, EventType, Member, Moment, NewCustomer, NumberMemory, PersonName, Phone,
    PhoneValidation, Profile, ProfileEdits, Repeat, TimeDelta, Timestamp, WebhookEndpoint,
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
    Customer::create(new_customer(), &NumberMemory::default(), token(), moment(0), &ConfirmationPolicy::default())
        .change
        .unwrap()
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

#[test]
fn the_event_of_an_update() {
    let email = Member::Value(Email::parse("yogi@example.com").unwrap());
    let edits =
        ProfileEdits { email, last_name: Member::Value(PersonName::parse("Berra").unwrap()), ..Default::default() };
    let change = confirmed().customer().update(edits, moment(70_000)).change.unwrap();
    assert_json_snapshot!(wire::Event::new(&change.events()[0]));
}

fn address() -> Address {
    let input = AddressInput {
        name: Some("Yogi Berra".to_owned()),
        company: Some("Dirty Lemon".to_owned()),
        line1: Some("1000, rue de la Gauchetière Ouest".to_owned()),
        city: Some("Montréal".to_owned()),
        region: Some("Québec".to_owned()),
        postal_code: Some("h3b4w5".to_owned()),
        ..AddressInput::of(CountryCode::parse("CA").unwrap())
    };
    Address::parse(input).unwrap()
}

#[test]
fn the_event_of_an_address_holds_none() {
    let purpose = AddressPurpose::Billing;
    let change = confirmed().customer().set_address(purpose, None, Some(address()), moment(70_000)).change.unwrap();
    assert_json_snapshot!(wire::Event::new(&change.events()[0]));
}

#[test]
fn the_addresses_of_a_customer() {
    let addresses = Addresses { billing: Some(address()), shipping: None };
    assert_json_snapshot!(wire::Addresses::new(&addresses));
}

#[test]
fn a_card() {
    let parts = CardParts {
        provider: "test".to_owned(),
        payment_method: "pm_1".to_owned(),
        setup: "seti_1".to_owned(),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 7,
        exp_year: 2031,
        updated_at: at(70_000),
    };
    assert_json_snapshot!(wire::Card::new(&Card::new(parts).unwrap()));
}

fn endpoint() -> WebhookEndpoint {
    WebhookEndpoint {
        id: EndpointId::from(Uuid::from_u128(8)),
        url: "https://bot.example.com/events?key=of-its-own".to_owned(),
        event_types: vec![EventType::Verification],
        description: Some("The bot".to_owned()),
        disabled: None,
        failing_since: None,
        created_at: at(0),
        updated_at: at(1),
    }
}

fn answered(status_code: u16, answer: Option<&str>) -> DeliveryTry {
    DeliveryTry {
        at: at(20),
        duration: TimeDelta::milliseconds(12),
        status_code: Some(status_code),
        answer: answer.map(str::to_owned),
        error: None,
    }
}

fn unanswered() -> DeliveryTry {
    let error = Some("the connection was refused".to_owned());
    DeliveryTry { status_code: None, error, ..answered(500, None) }
}

fn delivery(status: DeliveryStatus, tries: Vec<DeliveryTry>) -> Delivery {
    Delivery {
        id: DeliveryId::from(Uuid::from_u128(9)),
        endpoint_id: endpoint().id,
        event_id: EventId::from(Uuid::from_u128(7)),
        event_type: "verification".to_owned(),
        customer_id: new_customer().id,
        status,
        repeat: None,
        created_at: at(10),
        tries,
    }
}

#[test]
fn an_endpoint() {
    assert_json_snapshot!(wire::WebhookEndpoint::new(&endpoint()));
}

#[test]
fn an_endpoint_with_its_secret() {
    let endpoint = WebhookEndpoint { description: None, ..endpoint() };
    let secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    assert_json_snapshot!(wire::WebhookEndpoint::new(&endpoint).with_secret(secret));
}

#[test]
fn an_endpoint_that_was_disabled_because_it_failed() {
    let disabled = Some(Disabled { at: at(3), reason: DisabledReason::Failing });
    let endpoint = WebhookEndpoint { disabled, failing_since: Some(at(2)), ..endpoint() };
    assert_json_snapshot!(wire::WebhookEndpoint::new(&endpoint));
}

#[test]
fn a_delivery_that_is_tried_again() {
    let status = DeliveryStatus::Pending { next_try_at: Some(at(5_000)) };
    let delivery = delivery(status, vec![answered(500, Some("oops")), unanswered()]);
    assert_json_snapshot!(wire::Delivery::new(&delivery, Secrecy::Shown));
}

#[test]
fn a_delivery_that_waits_for_an_earlier_one() {
    let delivery = delivery(DeliveryStatus::Pending { next_try_at: None }, Vec::new());
    assert_json_snapshot!(wire::Delivery::new(&delivery, Secrecy::Shown));
}

#[test]
fn a_delivery_that_was_accepted_again() {
    let delivery = Delivery {
        repeat: Some(Repeat::Redelivery),
        ..delivery(DeliveryStatus::Accepted { at: at(32) }, vec![answered(204, None)])
    };
    assert_json_snapshot!(wire::Delivery::new(&delivery, Secrecy::Shown));
}

#[test]
fn a_delivery_that_was_given_up_as_a_read_key_sees_it() {
    let delivery = delivery(DeliveryStatus::Failed { at: at(32) }, vec![answered(500, Some("you sent 042917"))]);
    assert_json_snapshot!(wire::Delivery::new(&delivery, Secrecy::Hidden));
}

#[test]
fn what_came_of_a_test() {
    let event = EventId::from(Uuid::from_u128(7));
    assert_json_snapshot!("a_test_that_was_accepted", wire::TestOutcome::new(event, &answered(200, Some("thanks"))));
    assert_json_snapshot!("a_test_that_was_not_answered", wire::TestOutcome::new(event, &unanswered()));
}

#[test]
fn a_ping() {
    assert_json_snapshot!(wire::Ping::new(EventId::from(Uuid::from_u128(7)), at(0)));
}

#[test]
fn what_is_told_of_an_erasure_and_left_of_an_event() {
    let confirmed = confirmed();
    let change = confirmed.customer().erase(None, moment(500)).change.unwrap();
    assert_json_snapshot!("an_erasure", wire::Event::new(&change.events()[0]));
    let event = &confirmed.events()[0];
    let left = wire::ErasedEvent::new(event.id, "verification", event.occurred_at, event.sequence);
    assert_json_snapshot!("what_is_left_of_an_event", left);
}

#[test]
fn where_a_proof_stands() {
    let policy = ConfirmationPolicy::default();
    let (created, confirmed) = (created(), confirmed());
    let pending = created.customer().verification_at(moment(10).now, &policy);
    assert_json_snapshot!("a_proof_that_is_pending", wire::Verification::new(&pending));
    let done = confirmed.customer().verification_at(moment(10).now, &policy);
    assert_json_snapshot!("a_proof_that_is_done", wire::Verification::new(&done));
}
