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
