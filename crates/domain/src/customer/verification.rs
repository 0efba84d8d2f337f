//! Where the proof of a number stands, for whoever leads the customer through it.

use super::Customer;
use crate::{ConfirmationPolicy, Decision, Timestamp};

/// Where the proof of the customer's number stands: of the one that waits, where one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// What presenting the token would meet.
    pub standing: VerificationStanding,
    /// Until when the token that is out lives.
    pub expires_at: Option<Timestamp>,
    /// Wrong tries left: of the token or of the day, whichever is less.
    pub attempts_remaining: Option<u32>,
    /// From when on a new token can be made; past where one can be made now.
    pub next_generation_at: Option<Timestamp>,
    /// When the token's event was accepted by a receiver.
    pub sent_at: Option<Timestamp>,
    /// Until when no token is taken, a new one included.
    pub locked_until: Option<Timestamp>,
}

/// What presenting the token would meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationStanding {
    /// It would be compared.
    Pending,
    /// It is too old.
    Expired,
    /// No try is left, of the token or of the day.
    Locked,
    /// Nothing waits for a token.
    Confirmed,
}

impl Customer {
    /// Where the proof of his number stands at `now`.
    pub fn verification_at(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Verification {
        let Some(challenge) = self.pending(now, policy) else {
            return Verification {
                standing: VerificationStanding::Confirmed,
                expires_at: None,
                attempts_remaining: None,
                next_generation_at: None,
                sent_at: self.confirmed().and_then(super::Confirmed::sent_at),
                locked_until: None,
            };
        };
        let throttle = &self.0.throttle;
        let of_token = policy.attempts.saturating_sub(challenge.wrong_tries);
        let attempts_remaining = of_token.min(throttle.tries_left(now, policy));
        // In the order of the checks of `confirm`.
        let standing = if attempts_remaining == 0 {
            VerificationStanding::Locked
        } else if now > challenge.expires_at(policy) + policy.grace {
            VerificationStanding::Expired
        } else {
            VerificationStanding::Pending
        };
        let wait = throttle.token_after(now, policy);
        Verification {
            standing,
            expires_at: Some(challenge.expires_at(policy)),
            attempts_remaining: Some(attempts_remaining),
            next_generation_at: Some(wait.map_or(challenge.generated_at.min(now), |wait| now + wait)),
            sent_at: challenge.sent_at,
            locked_until: throttle.locked_for(now, policy).map(|wait| now + wait),
        }
    }

    /// Gives the tries back of a customer who has none left, of the token and of the day. Of another it changes nothing.
    pub fn unlock(&self, now: Timestamp, policy: &ConfirmationPolicy) -> Decision<Self> {
        if self.verification_at(now, policy).standing != VerificationStanding::Locked {
            return Decision { change: None, outcome: Ok(self.clone()) };
        }
        let mut next = self.clone();
        next.0.throttle.forget_wrong_tries();
        if let Some(challenge) = next.challenge_mut() {
            challenge.wrong_tries = 0;
        }
        Decision::accept(self.bookkeeping_change(next))
    }
}
