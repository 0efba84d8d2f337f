//! What holds of a customer whatever the order of operations, and the customers that other tests start from.

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Customer, Member, NewCustomer, PhoneState, Profile, ProfileEdits, Throttle};
use crate::{
    Address, AddressInput, AddressPurpose, Addresses, Card, CardParts, Change, ConfirmationPolicy, ConfirmationToken,
    CountryCode, CustomerId, Decision, DetailChange, EventBody, EventId, Moment, PersonName, Phone, PhoneValidation,
    Refusal, Timestamp, VerificationStatus,
};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

pub(super) fn moment(now: Timestamp) -> Moment {
    Moment { now, event_id: EventId::from(Uuid::nil()) }
}

fn token(number: u32) -> ConfirmationToken {
    ConfirmationToken::from_number(number).unwrap()
}

fn new_customer() -> NewCustomer {
    let canada = CountryCode::parse("CA").unwrap();
    NewCustomer {
        id: CustomerId::from(Uuid::from_u128(0x00c0_ffee)),
        phone: Phone::read("+14185810827", canada, PhoneValidation::Possible).unwrap(),
        profile: Profile::default(),
    }
}

pub(super) fn confirmed() -> Customer {
    Customer::create_confirmed(new_customer(), at(0)).outcome.unwrap()
}

pub(super) fn address(number: u8) -> Address {
    let input = AddressInput {
        name: Some("Yogi Berra".to_owned()),
        line1: Some(format!("{number} Rue Cler")),
        postal_code: Some("75007".to_owned()),
        city: Some("Paris".to_owned()),
        ..AddressInput::of(CountryCode::parse("FR").unwrap())
    };
    Address::parse(input).unwrap()
}

pub(super) fn card(number: u8) -> Card {
    let parts = CardParts {
        provider: "test".to_owned(),
        payment_method: format!("pm_{number}"),
        setup: format!("seti_{number}"),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 12,
        exp_year: 2030,
        updated_at: at(0),
    };
    Card::new(parts).unwrap()
}

fn of_customer(before: &Customer, Decision { change, outcome }: Decision<()>) -> Decision<Customer> {
    let after = change.as_ref().map_or(before, Change::customer).clone();
    Decision { change, outcome: outcome.map(|()| after) }
}

#[derive(Debug, Clone)]
enum Operation {
    Wait(i64),
    PresentRight,
    PresentWrong,
    PresentOld,
    Regenerate,
    Rename(String),
    Relocate(Option<u8>),
    TakeCard(Option<u8>),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        // Back in time too: clocks are set, and those of two processes differ.
        3 => prop_oneof![-5i64..90, 250i64..400, 3_000i64..90_000, -20_000i64..0].prop_map(Operation::Wait),
        1 => Just(Operation::PresentRight),
        6 => Just(Operation::PresentWrong),
        1 => Just(Operation::PresentOld),
        3 => Just(Operation::Regenerate),
        1 => "[a-c]{1}".prop_map(Operation::Rename),
        1 => prop::option::of(1u8..4).prop_map(Operation::Relocate),
        1 => prop::option::of(1u8..4).prop_map(Operation::TakeCard),
    ]
}

/// What an observer who kept his own books knows.
struct Observer {
    customer: Customer,
    generated_at: Timestamp,
    tries_at_token: u32,
    wrong_tries: Vec<Timestamp>,
    proved: bool,
    sequence: i64,
    addresses: Addresses,
    card: Option<Card>,
}

impl Observer {
    /// Stores what was decided, as a repository would, and checks what holds of every decision.
    fn store(&mut self, decision: &Decision<Customer>) {
        let before = self.customer.parts().clone();
        let Some(change) = &decision.change else { return };
        assert_eq!(change.replaces(), Some(before.version));
        self.customer = change.customer().clone();
        let after = self.customer.parts();
        assert_eq!(after.version, before.version + 1);
        assert!(after.updated_at >= before.updated_at, "times go forward whatever the clock does");
        let is_seen = members(&self.customer) != members(&Customer::from_parts(before.clone()));
        assert_eq!(after.revision != before.revision, is_seen || change.details().is_some());
        self.check_events(change);
        self.keep_details(change);
    }

    fn keep_details(&mut self, change: &Change) {
        match change.details() {
            None => {}
            Some(DetailChange::Address(purpose, address)) => {
                assert_ne!(self.addresses.get(*purpose), address.as_ref(), "what is kept already is no change");
                self.addresses.set(*purpose, address.clone());
            }
            Some(DetailChange::Card { card, detaches }) => {
                assert_eq!(*detaches, self.card, "no card is left at its provider");
                assert_eq!(change.revokes_links().is_empty(), card.is_none());
                self.card.clone_from(card);
            }
        }
    }

    fn check_events(&mut self, change: &Change) {
        for event in change.events() {
            self.sequence += 1;
            assert_eq!(event.sequence, self.sequence, "no gap in the sequence");
            let (EventBody::Verification { customer, .. } | EventBody::Updated { customer, .. }) = &event.body;
            assert_eq!(**customer, self.customer, "the event shows the customer as stored with it");
        }
        assert_eq!(self.customer.parts().sequence, self.sequence);
    }

    fn in_time(&self, now: Timestamp, policy: &ConfirmationPolicy) -> bool {
        now <= self.generated_at + policy.ttl + policy.grace
    }

    /// Tries within a day of now. Those that the clock, set back since, says are to come count too.
    fn tries_of_the_day(&self, now: Timestamp) -> usize {
        self.wrong_tries.iter().filter(|at| (now - **at).abs() < TimeDelta::hours(24)).count()
    }

    /// A try that was a day old when another came is forgotten for good, wherever the clock goes.
    fn count_wrong_try(&mut self, now: Timestamp) {
        self.wrong_tries.retain(|at| (now - *at).abs() < TimeDelta::hours(24));
        self.wrong_tries.push(now);
        self.tries_at_token += 1;
    }
}

/// What callers see of a customer, times of change apart.
fn members(customer: &Customer) -> impl PartialEq + use<> {
    (
        customer.phone_number().cloned(),
        customer.unconfirmed_phone_number().clone(),
        customer.confirmation_token().map(ConfirmationToken::expose),
        customer.confirmed_at(),
        customer.profile().clone(),
        match &customer.parts().phone {
            PhoneState::Unconfirmed(challenge) => Some(challenge.generated_at),
            PhoneState::Confirmed(_) => None,
        },
    )
}

fn without_tries(customer: &Customer) -> Customer {
    let mut parts = customer.parts().clone();
    parts.throttle = Throttle { wrong_tries: Vec::new(), ..parts.throttle };
    if let PhoneState::Unconfirmed(challenge) = &mut parts.phone {
        challenge.wrong_tries = 0;
    }
    parts.version = 0;
    Customer::from_parts(parts)
}

fn play(operations: Vec<Operation>, policy: &ConfirmationPolicy) {
    let mut now = at(1_000_000);
    let mut next_token = 1;
    let mut observer = {
        let decision = Customer::create(new_customer(), token(0), moment(now), policy);
        let customer = decision.outcome.unwrap();
        let (generated_at, wrong_tries) = (now, Vec::new());
        Observer {
            customer,
            generated_at,
            tries_at_token: 0,
            wrong_tries,
            proved: false,
            sequence: 1,
            addresses: Addresses::default(),
            card: None,
        }
    };
    for operation in operations {
        let before = observer.customer.clone();
        let decision = match operation {
            Operation::Wait(seconds) => {
                now += TimeDelta::seconds(seconds);
                continue;
            }
            Operation::PresentRight => {
                let decision = before.confirm(before.confirmation_token().unwrap(), moment(now), policy);
                if decision.outcome.is_ok() {
                    assert!(observer.in_time(now, policy) && !observer.proved);
                    observer.proved = true;
                    observer.wrong_tries.clear();
                }
                decision
            }
            Operation::PresentWrong => before.confirm(token(999_999), moment(now), policy),
            Operation::PresentOld if next_token > 1 => before.confirm(token(next_token - 2), moment(now), policy),
            Operation::PresentOld => continue,
            Operation::Regenerate => {
                let decision = before.regenerate_token(token(next_token), moment(now), policy);
                if decision.outcome.is_ok() {
                    next_token += 1;
                    observer.generated_at = now;
                    observer.tries_at_token = 0;
                }
                decision
            }
            Operation::Rename(name) => {
                let first_name = Member::Value(PersonName::parse(&name).unwrap());
                before.update(ProfileEdits { first_name, ..ProfileEdits::default() }, moment(now))
            }
            Operation::Relocate(number) => {
                let (purpose, address) = (AddressPurpose::Billing, number.map(address));
                let stored = observer.addresses.get(purpose);
                of_customer(&before, before.set_address(purpose, stored, address, moment(now)))
            }
            Operation::TakeCard(number) => {
                of_customer(&before, before.set_card(observer.card.as_ref(), number.map(card), moment(now)))
            }
        };
        if let Err(Refusal::TokenInvalid { attempts_remaining }) = decision.outcome {
            observer.count_wrong_try(now);
            let of_token = policy.attempts - observer.tries_at_token;
            let of_day = policy.daily_attempts as usize - observer.tries_of_the_day(now);
            assert_eq!(attempts_remaining as usize, of_day.min(of_token as usize));
        }
        observer.store(&decision);
        if decision.outcome.is_err() {
            assert_eq!(without_tries(&observer.customer), without_tries(&before), "a refusal moves tries only");
        }
        assert!(observer.tries_at_token <= policy.attempts);
        assert!(observer.tries_of_the_day(now) <= policy.daily_attempts as usize);
        assert_eq!(observer.customer.phone_number().is_some(), observer.proved);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn whatever_the_order_of_operations_the_promises_hold(operations in prop::collection::vec(operation(), 1..80)) {
        play(operations, &ConfirmationPolicy::default());
    }

    #[test]
    fn the_promises_hold_under_other_limits_too(
        operations in prop::collection::vec(operation(), 1..80),
        attempts in 1u32..4,
        daily_attempts in 1u32..20,
    ) {
        let resend_interval = TimeDelta::zero();
        play(operations, &ConfirmationPolicy { attempts, daily_attempts, resend_interval, ..Default::default() });
    }
}

pub(super) fn unconfirmed() -> Customer {
    Customer::create(new_customer(), token(123_456), moment(at(0)), &ConfirmationPolicy::default()).outcome.unwrap()
}

#[test]
fn a_token_is_accepted_until_the_grace_is_over_and_no_longer() {
    let policy = ConfirmationPolicy::default();
    assert!(unconfirmed().confirm(token(123_456), moment(at(330)), &policy).outcome.is_ok());
    let late = unconfirmed().confirm(token(123_456), moment(at(331)), &policy);
    assert_eq!(late, Decision::refuse(Refusal::TokenExpired));
}

#[test]
fn a_customer_created_without_confirmation_is_confirmed_and_silent() {
    let decision = Customer::create_confirmed(new_customer(), at(7));
    assert!(decision.change.unwrap().events().is_empty());
    let customer = decision.outcome.unwrap();
    assert_eq!(customer.confirmed_at(), Some(at(7)));
    assert_eq!((customer.confirmation_token(), customer.confirmation_sent_at()), (None, None));
    let policy = ConfirmationPolicy::default();
    assert_eq!(customer.confirm(token(1), moment(at(8)), &policy), Decision::refuse(Refusal::AlreadyConfirmed));
    let again = customer.regenerate_token(token(1), moment(at(8)), &policy);
    assert_eq!(again, Decision::refuse(Refusal::AlreadyConfirmed));
}

#[test]
fn a_dead_token_is_told_before_an_expired_one_and_says_when_waiting_helps() {
    let policy = ConfirmationPolicy { attempts: 2, daily_attempts: 3, ..ConfirmationPolicy::default() };
    let mut customer = unconfirmed();
    for _ in 0..2 {
        customer = customer.confirm(token(1), moment(at(10)), &policy).change.unwrap().customer().clone();
    }
    let dead = customer.confirm(token(123_456), moment(at(999)), &policy);
    assert_eq!(dead, Decision::refuse(Refusal::TooManyAttempts { retry_after: None }));

    customer = customer.regenerate_token(token(654_321), moment(at(1_000)), &policy).outcome.unwrap();
    let wrong = customer.confirm(token(1), moment(at(1_001)), &policy);
    assert_eq!(wrong.outcome, Err(Refusal::TokenInvalid { attempts_remaining: 0 }));
    customer = wrong.change.unwrap().customer().clone();
    let locked = customer.confirm(token(654_321), moment(at(1_010)), &policy);
    let retry_after = Some(TimeDelta::hours(24) - TimeDelta::seconds(1_000));
    assert_eq!(locked, Decision::refuse(Refusal::TooManyAttempts { retry_after }));
}

#[test]
fn confirming_keeps_the_token_the_number_and_when_it_was_sent() {
    let mut parts = unconfirmed().parts().clone();
    if let PhoneState::Unconfirmed(challenge) = &mut parts.phone {
        challenge.sent_at = Some(at(2));
    }
    let policy = ConfirmationPolicy::default();
    let decision = Customer::from_parts(parts).confirm(token(123_456), moment(at(9)), &policy);
    let customer = decision.outcome.unwrap();
    assert_eq!(customer.phone_number(), Some(customer.unconfirmed_phone_number()));
    assert_eq!(customer.confirmation_token(), Some(token(123_456)));
    assert_eq!((customer.confirmation_sent_at(), customer.confirmed_at()), (Some(at(2)), Some(at(9))));
    let change = decision.change.unwrap();
    let [event] = change.events() else { panic!("one event") };
    assert!(matches!(&event.body, EventBody::Verification { status: VerificationStatus::Confirmed, .. }));
    assert_eq!(event.sequence, 2);
}

#[test]
fn a_new_token_starts_its_own_life_with_no_sending_and_no_tries() {
    let policy = ConfirmationPolicy::default();
    let customer = unconfirmed().confirm(token(1), moment(at(1)), &policy).change.unwrap().customer().clone();
    let early = customer.regenerate_token(token(2), moment(at(29)), &policy);
    assert_eq!(early, Decision::refuse(Refusal::ResendTooSoon { retry_after: TimeDelta::seconds(1) }));
    let customer = customer.regenerate_token(token(2), moment(at(30)), &policy).outcome.unwrap();
    let PhoneState::Unconfirmed(challenge) = &customer.parts().phone else { panic!("still unconfirmed") };
    assert_eq!((challenge.wrong_tries, challenge.sent_at, challenge.generated_at), (0, None, at(30)));
    assert_eq!(customer.parts().throttle.wrong_tries, [at(1)], "a new token does not reset the day's tries");
}
