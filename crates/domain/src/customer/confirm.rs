//! A token comes back.

use super::{Confirmed, Customer, PhoneState, Proof};
use crate::{ConfirmationPolicy, ConfirmationToken, Decision, Moment, Refusal, VerificationStatus};

impl Customer {
    /// Presents `token`. The right one, in time, makes the number the customer's and fires `verification`
    /// (confirmed); a wrong one is refused and costs a try.
    ///
    /// The checks stand in the order in which callers are promised them: already confirmed (nothing is pending), tries
    /// left, expired, equal. So a dead token says nothing about whether it was right.
    pub fn confirm(&self, token: ConfirmationToken, moment: Moment, policy: &ConfirmationPolicy) -> Decision<Self> {
        let Some(challenge) = self.pending(moment.now, policy) else {
            return Decision::refuse(Refusal::AlreadyConfirmed);
        };
        let locked_for = self.0.throttle.locked_for(moment.now, policy);
        if locked_for.is_some() || challenge.wrong_tries >= policy.attempts {
            return Decision::refuse(Refusal::TooManyAttempts { retry_after: locked_for });
        }
        if moment.now > challenge.expires_at(policy) + policy.grace {
            return Decision::refuse(Refusal::TokenExpired);
        }
        if token != challenge.token {
            return self.wrong_try(challenge.wrong_tries + 1, moment, policy);
        }

        let at = self.not_before_last_change(moment.now);
        let mut next = self.clone();
        next.0.throttle.forget_wrong_tries();
        next.0.phone = PhoneState::Confirmed(Confirmed {
            phone: challenge.phone.clone(),
            confirmed_at: at,
            proof: Proof::Token { token: challenge.token, sent_at: challenge.sent_at },
        });
        Decision::accept(
            self.visible_change(next, at, |next| vec![next.verification(moment, at, VerificationStatus::Confirmed)]),
        )
    }

    fn wrong_try(&self, wrong_tries: u32, moment: Moment, policy: &ConfirmationPolicy) -> Decision<Self> {
        let mut next = self.clone();
        next.0.throttle.count_wrong_try(moment.now);
        if let Some(challenge) = next.challenge_mut() {
            challenge.wrong_tries = wrong_tries;
        }
        let of_token = policy.attempts.saturating_sub(wrong_tries);
        let of_day = next.0.throttle.tries_left(moment.now, policy);
        Decision {
            change: Some(self.bookkeeping_change(next)),
            outcome: Err(Refusal::TokenInvalid { attempts_remaining: of_token.min(of_day) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::properties::{at, moment, token, unconfirmed};
    use crate::{EventBody, TimeDelta};

    #[test]
    fn a_token_is_accepted_until_the_grace_is_over_and_no_longer() {
        let policy = ConfirmationPolicy::default();
        assert!(unconfirmed().confirm(token(123_456), moment(at(330)), &policy).outcome.is_ok());
        let late = unconfirmed().confirm(token(123_456), moment(at(331)), &policy);
        assert_eq!(late, Decision::refuse(Refusal::TokenExpired));
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
}
