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
        let challenge = Challenge::new(phone, token, moment.now);
        let status = pending(&challenge, PendingReason::Regenerated, policy);
        next.await_token(challenge, moment.now);
        let at = self.not_before_last_change(moment.now);
        Decision::accept(self.visible_change(next, at, |next| vec![next.verification(moment, at, status)]))
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
        next.0.throttle.leave_number();
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
