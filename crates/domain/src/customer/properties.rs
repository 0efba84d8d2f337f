//! What holds of a customer whatever the order of operations, and the customers that other tests start from.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Customer, CustomerParts, Member, NewCustomer, NumberMemory, PhoneState, Profile, ProfileEdits};
use crate::{
    Address, AddressInput, AddressPurpose, Addresses, Card, CardParts, Change, ConfirmationPolicy, ConfirmationToken,
    CountryCode, CustomerId, Decision, DetailChange, EventBody, EventId, LinkPurpose, Moment, PersonName, Phone,
    PhoneNumber, PhoneValidation, Refusal, Timestamp, VerificationStanding,
};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

pub(super) fn moment(now: Timestamp) -> Moment {
    Moment { now, event_id: EventId::from(Uuid::nil()) }
}

pub(super) fn token(number: u32) -> ConfirmationToken {
    ConfirmationToken::from_number(number).unwrap()
}

/// Numbers of several countries.
pub(super) fn phone(number: usize) -> Phone {
    let spelling = ["+14185810827", "+14185810828", "+33142685300", "+4930901820"][number];
    Phone::read(spelling, CountryCode::parse("CA").unwrap(), PhoneValidation::Possible).unwrap()
}

pub(super) fn new_customer() -> NewCustomer {
    NewCustomer { id: CustomerId::from(Uuid::from_u128(0x00c0_ffee)), phone: phone(0), profile: Profile::default() }
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
    ChangeNumber(usize),
    TrustNumber(usize),
    Withdraw,
    WithdrawOverdue,
    Unlock,
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
        2 => (0usize..4).prop_map(Operation::ChangeNumber),
        1 => (0usize..4).prop_map(Operation::TrustNumber),
        1 => Just(Operation::Withdraw),
        1 => Just(Operation::WithdrawOverdue),
        1 => Just(Operation::Unlock),
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
    /// Those at the number that waits, by whoever held it.
    number_tries: Vec<Timestamp>,
    /// The number that is proved, and the one that waits, since when.
    proved: Option<PhoneNumber>,
    waiting: Option<(PhoneNumber, Timestamp)>,
    /// What is remembered of numbers that were given up.
    memories: HashMap<PhoneNumber, NumberMemory>,
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
        self.check_numbers(&before, change);
        self.keep_details(change);
    }

    /// What the change takes and gives up is the difference between the numbers before and after, and links to a
    /// number's pages go with the number.
    fn check_numbers(&mut self, before: &CustomerParts, change: &Change) {
        let held = |customer: &Customer| -> BTreeSet<PhoneNumber> {
            let number = Some(customer.unconfirmed_phone_number().clone());
            customer.phone_number().cloned().into_iter().chain(number).collect()
        };
        let before = Customer::from_parts(before.clone());
        let (had, has) = (held(&before), held(&self.customer));
        let claims: BTreeSet<_> = change.claims().iter().cloned().collect();
        let releases: BTreeSet<_> = change.releases().iter().map(|(number, _)| number.clone()).collect();
        assert_eq!(claims, &has - &had);
        assert_eq!(releases, &had - &has);
        let is_moved = before.phone_number().is_some() && before.phone_number() != self.customer.phone_number();
        assert_eq!(change.revokes_links() == LinkPurpose::ALL, is_moved);
        // Who is to prove a number takes on what is remembered of it; it is with him then.
        let waiting = self.customer.challenge().map(|challenge| &challenge.phone.number);
        let inherits = change.inherits().map(|(number, memory)| (number, memory.clone()));
        let inherited = waiting.filter(|number| claims.contains(number));
        let inherited = inherited.map(|number| (number, self.memories.remove(number).unwrap_or_default()));
        assert_eq!(inherits, inherited);
        for (number, memory) in change.releases() {
            let known = self.memories.remove(number).unwrap_or_default();
            self.memories.insert(number.clone(), known.united(memory));
        }
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
            match &event.body {
                EventBody::Verification { customer, .. } | EventBody::Updated { customer, .. } => {
                    assert_eq!(**customer, self.customer, "the event shows the customer as stored with it");
                }
                EventBody::Erased => panic!("nobody erased him"),
            }
        }
        assert_eq!(self.customer.parts().sequence, self.sequence);
    }

    fn in_time(&self, now: Timestamp, policy: &ConfirmationPolicy) -> bool {
        now <= self.generated_at + policy.ttl + policy.grace
    }

    /// Tries within a day of now. Those that the clock, set back since, says are to come count too.
    fn tries_of_the_day(&self, now: Timestamp) -> usize {
        let of = |tries: &[Timestamp]| tries.iter().filter(|at| (now - **at).abs() < TimeDelta::hours(24)).count();
        of(&self.wrong_tries).max(of(&self.number_tries))
    }

    /// A try that was a day old when another came is forgotten for good, wherever the clock goes.
    fn count_wrong_try(&mut self, now: Timestamp) {
        for tries in [&mut self.wrong_tries, &mut self.number_tries] {
            tries.retain(|at| (now - *at).abs() < TimeDelta::hours(24));
            tries.push(now);
        }
        self.tries_at_token += 1;
    }

    fn forget_tries(&mut self) {
        self.wrong_tries.clear();
        self.number_tries.clear();
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
        customer.challenge().map(|challenge| challenge.generated_at),
    )
}

fn without_tries(customer: &Customer) -> Customer {
    let mut parts = customer.parts().clone();
    parts.throttle.wrong_tries.clear();
    parts.throttle.number.wrong_tries.clear();
    match &mut parts.phone {
        PhoneState::Unconfirmed(challenge) => challenge.wrong_tries = 0,
        PhoneState::Changing(change) => change.next.wrong_tries = 0,
        PhoneState::Confirmed(_) => {}
    }
    parts.version = 0;
    Customer::from_parts(parts)
}

/// Plays operations by the side of an observer. Where the clock goes back, it is not said when a change of number is
/// overdue, so he asks.
fn play(operations: Vec<Operation>, policy: &ConfirmationPolicy) {
    let mut now = at(1_000_000);
    let mut next_token = 1;
    let mut observer = Observer::of_new_customer(now, policy);
    for operation in operations {
        let before = observer.customer.clone();
        let is_overdue = before.is_change_overdue(now, policy);
        let decision = match operation {
            Operation::Wait(seconds) => {
                now += TimeDelta::seconds(seconds);
                continue;
            }
            Operation::PresentRight => {
                let Some(right) = before.confirmation_token() else { continue };
                let decision = before.confirm(right, moment(now), policy);
                if decision.outcome.is_ok() {
                    let (waiting, _) = observer.waiting.take().expect("a number waited");
                    assert!(observer.in_time(now, policy) && !is_overdue);
                    observer.proved = Some(waiting);
                    observer.forget_tries();
                }
                decision
            }
            Operation::PresentWrong => before.confirm(token(999_999), moment(now), policy),
            Operation::PresentOld if next_token > 1 => before.confirm(token(next_token - 2), moment(now), policy),
            Operation::PresentOld => continue,
            Operation::Regenerate => {
                let decision = before.regenerate_token(token(next_token), moment(now), policy);
                if decision.outcome.is_ok() {
                    assert!(observer.waiting.is_some() && !is_overdue);
                    next_token += 1;
                    observer.note_token(now);
                }
                decision
            }
            Operation::ChangeNumber(number) => {
                let decision = observer.ask_for_number(phone(number), token(next_token), now, policy);
                next_token += u32::from(decision.outcome.is_ok());
                decision
            }
            Operation::TrustNumber(number) => {
                let decision = before.trust_number(phone(number), moment(now));
                if decision.outcome.is_ok() {
                    (observer.proved, observer.waiting) = (Some(phone(number).number), None);
                    observer.forget_tries();
                }
                decision
            }
            Operation::Withdraw => {
                let decision = before.withdraw_number(moment(now));
                if decision.outcome.is_ok() {
                    assert!(observer.proved.is_some() && observer.waiting.is_some());
                    observer.waiting = None;
                }
                of_customer(&before, decision)
            }
            Operation::WithdrawOverdue => {
                let Some(change) = before.withdraw_overdue_number(moment(now), policy) else { continue };
                let (_, since) = observer.waiting.take().expect("a number waited");
                assert!(now >= since + policy.pending_number_ttl);
                Decision::accept(change)
            }
            Operation::Unlock => {
                let decision = before.unlock(now, policy);
                if decision.change.is_some() {
                    observer.forget_tries();
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
            let of_day = (policy.daily_attempts as usize).saturating_sub(observer.tries_of_the_day(now));
            assert_eq!(attempts_remaining as usize, of_day.min(of_token as usize));
        }
        observer.store(&decision);
        if decision.outcome.is_err() {
            assert_eq!(without_tries(&observer.customer), without_tries(&before), "a refusal moves tries only");
        }
        observer.check(now, policy);
    }
}

impl Observer {
    fn of_new_customer(now: Timestamp, policy: &ConfirmationPolicy) -> Self {
        let decision = Customer::create(new_customer(), &NumberMemory::default(), token(0), moment(now), policy);
        let customer = decision.outcome.unwrap();
        Self {
            waiting: Some((customer.unconfirmed_phone_number().clone(), now)),
            customer,
            generated_at: now,
            tries_at_token: 0,
            wrong_tries: Vec::new(),
            number_tries: Vec::new(),
            proved: None,
            memories: HashMap::new(),
            sequence: 1,
            addresses: Addresses::default(),
            card: None,
        }
    }

    fn ask_for_number(
        &mut self,
        phone: Phone,
        token: ConfirmationToken,
        now: Timestamp,
        policy: &ConfirmationPolicy,
    ) -> Decision<Customer> {
        let memory = self.memories.get(&phone.number).cloned().unwrap_or_default();
        let decision = self.customer.change_number(phone.clone(), &memory, token, moment(now), policy);
        if decision.outcome.is_ok() {
            assert_ne!(self.proved.as_ref(), Some(&phone.number));
            self.note_token(now);
            if self.waiting.as_ref().is_none_or(|(waiting, _)| *waiting != phone.number) {
                self.take_number(phone.number, &memory, now);
            }
        }
        decision
    }

    fn note_token(&mut self, now: Timestamp) {
        self.generated_at = now;
        self.tries_at_token = 0;
    }

    fn take_number(&mut self, number: PhoneNumber, memory: &NumberMemory, now: Timestamp) {
        self.waiting = Some((number, now));
        self.number_tries.clone_from(&memory.wrong_tries);
    }

    /// What holds whatever happened.
    fn check(&self, now: Timestamp, policy: &ConfirmationPolicy) {
        assert!(self.tries_at_token <= policy.attempts);
        assert_eq!(self.customer.phone_number(), self.proved.as_ref());
        let waiting = self.waiting.as_ref().map(|(number, _)| number);
        assert_eq!(self.customer.challenge().map(|challenge| &challenge.phone.number), waiting);
        assert_eq!(Some(self.customer.unconfirmed_phone_number()), waiting.or(self.proved.as_ref()));
        self.check_verification(now, policy);
    }

    /// Where the proof is said to stand is what a token would meet.
    fn check_verification(&self, now: Timestamp, policy: &ConfirmationPolicy) {
        let told = self.customer.verification_at(now, policy);
        let met = match self.customer.confirm(token(999_999), moment(now), policy).outcome {
            Ok(_) | Err(Refusal::TokenInvalid { .. }) => VerificationStanding::Pending,
            Err(Refusal::TokenExpired) => VerificationStanding::Expired,
            Err(Refusal::TooManyAttempts { retry_after }) => {
                assert_eq!(told.locked_until, retry_after.map(|wait| now + wait));
                VerificationStanding::Locked
            }
            Err(Refusal::AlreadyConfirmed) => VerificationStanding::Confirmed,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(told.standing, met);
        let again = self.customer.regenerate_token(token(0), moment(now), policy).outcome;
        match again {
            Ok(_) => assert!(told.next_generation_at.unwrap() <= now),
            Err(Refusal::ResendTooSoon { retry_after }) => {
                assert_eq!(told.next_generation_at, Some(now + retry_after));
            }
            Err(_) => assert_eq!(told.next_generation_at, None),
        }
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
    Customer::create(
        new_customer(),
        &NumberMemory::default(),
        token(123_456),
        moment(at(0)),
        &ConfirmationPolicy::default(),
    )
    .outcome
    .unwrap()
}
