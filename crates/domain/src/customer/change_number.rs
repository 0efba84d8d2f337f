//! The number becomes another: corrected before it was proved, or changed after.

use super::{Challenge, Confirmed, Customer, NumberChange, NumberMemory, PhoneState, Proof, pending};
use crate::{
    Change, Changed, ConfirmationPolicy, ConfirmationToken, Decision, Moment, PendingReason, Phone, Refusal, Timestamp,
};

impl Customer {
    /// Asks for the proof of another number with `token`. Fires `verification` (pending, regenerated).
    ///
    /// An unconfirmed customer's number is replaced. A confirmed one keeps his until the token of the other comes back;
    /// both are his meanwhile. The number that waits already gets a new token, and waits no longer for it. `memory` is
    /// what is remembered of the number from whoever gave it up.
    pub fn change_number(
        &self,
        phone: Phone,
        memory: &NumberMemory,
        token: ConfirmationToken,
        moment: Moment,
        policy: &ConfirmationPolicy,
    ) -> Decision<Self> {
        if self.phone_number() == Some(&phone.number) {
            return Decision::refuse(Refusal::AlreadyConfirmed);
        }
        if self.challenge().is_some_and(|challenge| challenge.phone.number == phone.number) {
            return self.regenerate_token(token, moment, policy);
        }
        let mut next = self.clone();
        next.0.throttle.take_number(memory);
        if let Some(retry_after) = next.0.throttle.token_after(moment.now, policy) {
            return Decision::refuse(Refusal::ResendTooSoon { retry_after });
        }
        next.0.throttle.count_token(moment.now, policy);
        // A change that waited gives way to this one, which waits anew.
        next.withdraw();
        let number = phone.number.clone();
        let challenge = Challenge::new(phone, token, moment.now);
        let status = pending(&challenge, PendingReason::Regenerated, policy);
        next.await_token(challenge, moment.now);
        let at = self.not_before_last_change(moment.now);
        let change = self.visible_change(next, at, |next| vec![next.verification(moment, at, status)]);
        Decision::accept(change.inheriting(number, memory.clone()))
    }

    /// Makes another number the customer's on the caller's word, whatever waited. Fires `customer.updated`, and no
    /// `verification`.
    pub fn trust_number(&self, phone: Phone, moment: Moment) -> Decision<Self> {
        if self.phone_number() == Some(&phone.number) {
            return Decision::refuse(Refusal::AlreadyConfirmed);
        }
        let at = self.not_before_last_change(moment.now);
        let mut next = self.clone();
        next.0.throttle.forget_wrong_tries();
        // Of the number that waited, where he keeps that one, the tokens stay counted.
        if self.unconfirmed_phone_number() != &phone.number {
            next.0.throttle.leave_number();
        }
        next.0.phone = PhoneState::Confirmed(Confirmed { phone, confirmed_at: at, proof: Proof::Trusted });
        let changed = [
            (Changed::PhoneNumber, true),
            (Changed::UnconfirmedPhoneNumber, next.unconfirmed_phone_number() != self.unconfirmed_phone_number()),
            (Changed::CountryCode, next.country_code() != self.country_code()),
        ];
        let changed = changed.into_iter().filter_map(|(member, has_changed)| has_changed.then_some(member)).collect();
        Decision::accept(self.visible_change(next, at, |next| vec![next.updated(moment, at, changed)]))
    }

    /// Gives up the number that is to take the place of the customer's. Fires `customer.updated`.
    pub fn withdraw_number(&self, moment: Moment) -> Decision<()> {
        match self.withdrawal(moment) {
            None => Decision { change: None, outcome: Err(Refusal::NothingPending) },
            change => Decision { change, outcome: Ok(()) },
        }
    }

    /// The same by itself, where the number has waited for longer than it may; else nothing.
    pub fn withdraw_overdue_number(&self, moment: Moment, policy: &ConfirmationPolicy) -> Option<Change> {
        if self.is_change_overdue(moment.now, policy) { self.withdrawal(moment) } else { None }
    }

    /// Whether a change of number has waited for its token for longer than it may, and is as good as withdrawn.
    pub fn is_change_overdue(&self, now: Timestamp, policy: &ConfirmationPolicy) -> bool {
        match &self.0.phone {
            PhoneState::Unconfirmed(_) | PhoneState::Confirmed(_) => false,
            PhoneState::Changing(change) => now >= change.requested_at + policy.pending_number_ttl,
        }
    }

    fn withdrawal(&self, moment: Moment) -> Option<Change> {
        let mut next = self.clone();
        if !next.withdraw() {
            return None;
        }
        next.0.throttle.leave_number();
        let at = self.not_before_last_change(moment.now);
        let changed = vec![Changed::UnconfirmedPhoneNumber];
        Some(self.visible_change(next, at, |next| vec![next.updated(moment, at, changed)]))
    }

    /// Back to the number that is his; whether there was anything to go back from.
    fn withdraw(&mut self) -> bool {
        let PhoneState::Changing(change) = &self.0.phone else { return false };
        self.0.phone = PhoneState::Confirmed(change.held.clone());
        true
    }

    /// The number of `challenge` waits for its token: beside the one that is his, where one is.
    pub(super) fn await_token(&mut self, challenge: Challenge, now: Timestamp) {
        self.0.phone = match &self.0.phone {
            PhoneState::Unconfirmed(_) => PhoneState::Unconfirmed(challenge),
            PhoneState::Confirmed(held) => {
                PhoneState::Changing(NumberChange { held: held.clone(), next: challenge, requested_at: now })
            }
            PhoneState::Changing(change) => PhoneState::Changing(NumberChange { next: challenge, ..change.clone() }),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::properties::{at, confirmed, moment, phone, token, unconfirmed};
    use crate::{EventBody, TimeDelta};

    const MEMORY: NumberMemory = NumberMemory { wrong_tries: Vec::new(), tokens: Vec::new() };

    fn changing() -> Customer {
        let policy = ConfirmationPolicy::default();
        confirmed().change_number(phone(2), &MEMORY, token(7), moment(at(10)), &policy).outcome.unwrap()
    }

    fn changed(change: &Change) -> Vec<&'static str> {
        let [event] = change.events() else { panic!("one event") };
        let EventBody::Updated { changed, .. } = &event.body else { panic!("an update") };
        changed.iter().map(|changed| changed.as_str()).collect()
    }

    #[test]
    fn while_a_change_is_pending_the_number_is_the_old_one_and_the_token_the_new_ones() {
        let customer = changing();
        assert_eq!(customer.phone_number(), Some(&phone(0).number));
        assert_eq!(customer.unconfirmed_phone_number(), &phone(2).number);
        assert_eq!(customer.country_code(), phone(0).country);
        assert_eq!((customer.confirmation_token(), customer.confirmed_at()), (Some(token(7)), Some(at(0))));
    }

    #[test]
    fn withdrawn_it_is_as_if_nobody_had_asked() {
        let change = changing().withdraw_number(moment(at(20))).change.unwrap();
        assert_eq!(changed(&change), ["unconfirmed_phone_number"]);
        assert_eq!(change.customer().parts().phone, confirmed().parts().phone);
    }

    #[test]
    fn the_callers_word_is_told_with_all_that_moves() {
        let change = changing().trust_number(phone(3), moment(at(20))).change.unwrap();
        assert_eq!(changed(&change), ["phone_number", "unconfirmed_phone_number", "country_code"]);
        assert_eq!(change.releases().len(), 2);
        let change = unconfirmed().trust_number(phone(0), moment(at(20))).change.unwrap();
        assert_eq!(changed(&change), ["phone_number"], "the number that waited is his");
    }

    #[test]
    fn new_tokens_for_the_same_number_do_not_prolong_the_change() {
        let policy = ConfirmationPolicy::default();
        let again = changing().change_number(phone(2), &MEMORY, token(8), moment(at(100)), &policy).outcome.unwrap();
        let ends = at(10) + policy.pending_number_ttl;
        assert!(!again.is_change_overdue(ends - TimeDelta::milliseconds(1), &policy));
        assert!(again.is_change_overdue(ends, &policy));
        assert_eq!(again.confirm(token(8), moment(ends), &policy), Decision::refuse(Refusal::AlreadyConfirmed));
    }

    #[test]
    fn tries_at_a_number_that_somebody_gave_up_count_and_so_do_its_tokens() {
        let policy = ConfirmationPolicy { daily_attempts: 3, ..ConfirmationPolicy::default() };
        let memory = NumberMemory { wrong_tries: vec![at(1), at(2)], tokens: vec![at(1)] };
        let customer = confirmed().change_number(phone(2), &memory, token(7), moment(at(10)), &policy).outcome.unwrap();
        let wrong = customer.confirm(token(1), moment(at(11)), &policy);
        assert_eq!(wrong.outcome, Err(Refusal::TokenInvalid { attempts_remaining: 0 }));
        let change = wrong.change.unwrap().customer().withdraw_number(moment(at(12))).change.unwrap();
        let [(number, left)] = change.releases() else { panic!("one number") };
        let expected = NumberMemory { wrong_tries: vec![at(1), at(2), at(11)], tokens: vec![at(1), at(10)] };
        assert_eq!((number, left), (&phone(2).number, &expected));
    }

    #[test]
    fn tries_at_one_number_are_left_at_no_other_and_those_of_another_are_not_carried_on() {
        let policy = ConfirmationPolicy { daily_attempts: 2, ..ConfirmationPolicy::default() };
        let to = |customer: &Customer, number, memory: &NumberMemory, seconds| {
            let change = customer.change_number(phone(number), memory, token(7), moment(at(seconds)), &policy);
            change.change.unwrap()
        };
        let wrong = |customer: &Customer, seconds| customer.confirm(token(1), moment(at(seconds)), &policy);
        // He tries at one number, and goes on to the next.
        let tried = wrong(to(&confirmed(), 2, &MEMORY, 100).customer(), 110).change.unwrap().customer().clone();
        let next = to(&tried, 3, &MEMORY, 1_000);
        assert_eq!(
            next.releases(),
            [(phone(2).number, NumberMemory { wrong_tries: vec![at(110)], tokens: vec![at(100)] })]
        );
        let left = next.customer().withdraw_number(moment(at(1_010))).change.unwrap();
        let untried = NumberMemory { wrong_tries: Vec::new(), tokens: vec![at(1_000)] };
        assert_eq!(left.releases(), [(phone(3).number, untried)]);
        // His own count with him, wherever he is.
        let last = wrong(next.customer(), 1_010);
        assert_eq!(last.outcome, Err(Refusal::TokenInvalid { attempts_remaining: 0 }));
        // And who takes a number at which others tried is not held to that at his next one.
        let memory = NumberMemory { wrong_tries: vec![at(1), at(2)], tokens: vec![at(1)] };
        let unlucky = to(&confirmed(), 2, &memory, 10);
        assert!(matches!(wrong(unlucky.customer(), 11).outcome, Err(Refusal::TooManyAttempts { .. })));
        let away = to(unlucky.customer(), 3, &MEMORY, 1_000);
        assert_eq!(wrong(away.customer(), 1_001).outcome, Err(Refusal::TokenInvalid { attempts_remaining: 1 }));
    }

    #[test]
    fn a_word_for_the_number_that_waits_gives_it_no_new_tokens() {
        let trusted = changing().trust_number(phone(2), moment(at(20))).change.unwrap().customer().clone();
        let [(number, left)] =
            trusted.erase(None, moment(at(30))).change.unwrap().releases().to_vec().try_into().unwrap();
        assert_eq!((number, left.tokens), (phone(2).number, vec![at(10)]));
    }

    #[test]
    fn a_number_gets_so_many_tokens_a_day_whoever_asks() {
        let tokens: Vec<_> = (0..20).map(at).collect();
        let memory = NumberMemory { wrong_tries: Vec::new(), tokens };
        let policy = ConfirmationPolicy::default();
        let change =
            |now, policy: &_| confirmed().change_number(phone(2), &memory, token(7), moment(now), policy).outcome;
        let refused = Refusal::ResendTooSoon { retry_after: TimeDelta::hours(24) - TimeDelta::seconds(100) };
        assert_eq!(change(at(100), &policy), Err(refused));
        assert!(change(at(86_400), &policy).is_ok(), "the first is a day old");
        let unlimited = ConfirmationPolicy { resend_interval: TimeDelta::zero(), ..policy };
        assert!(change(at(100), &unlimited).is_ok());
    }
}
