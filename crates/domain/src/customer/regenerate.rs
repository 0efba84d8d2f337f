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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeDelta;
    use crate::customer::PhoneState;
    use crate::customer::properties::{at, moment, token, unconfirmed};

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
}
