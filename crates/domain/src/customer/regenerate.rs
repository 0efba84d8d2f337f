//! A new token, because the last one was lost, late or dead.

use super::{Challenge, Customer, pending};
use crate::{ConfirmationPolicy, ConfirmationToken, Decision, Moment, PendingReason, Refusal};

impl Customer {
    /// Replaces the token; the old one is dead. Fires `verification` (pending, regenerated). Wrong tries of the day
    /// stay counted.
    pub fn regenerate_token(
        &self,
        token: ConfirmationToken,
        moment: Moment,
        policy: &ConfirmationPolicy,
    ) -> Decision<Self> {
        let Some(challenge) = self.pending(moment.now, policy) else {
            return Decision::refuse(Refusal::AlreadyConfirmed);
        };
        if let Some(retry_after) = self.0.throttle.token_after(moment.now, policy) {
            return Decision::refuse(Refusal::ResendTooSoon { retry_after });
        }

        // The token's life and the memory of tokens follow the clock; only what is told of the change never goes back.
        let at = self.not_before_last_change(moment.now);
        let challenge = Challenge::new(challenge.phone.clone(), token, moment.now);
        let status = pending(&challenge, PendingReason::Regenerated, policy);
        let mut next = self.clone();
        next.0.throttle.count_token(moment.now, policy);
        next.await_token(challenge, moment.now);
        Decision::accept(self.visible_change(next, at, |next| vec![next.verification(moment, at, status)]))
    }
}
