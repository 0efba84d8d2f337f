//! A customer comes into being.

use super::{
    Challenge, Confirmed, Customer, CustomerParts, NumberMemory, PhoneState, Profile, Proof, Throttle, pending,
};
use crate::{
    Change, ConfirmationPolicy, ConfirmationToken, CustomerId, Decision, Moment, PendingReason, Phone, Refusal,
    Timestamp,
};

/// What is told about a customer at creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// His id, fresh or the caller's own.
    pub id: CustomerId,
    /// His number.
    pub phone: Phone,
    /// What he told about himself.
    pub profile: Profile,
}

impl Customer {
    /// A customer whose number is to be proved with `token`. Fires `verification` (pending, created). `memory` is what is
    /// remembered of the number from whoever gave it up.
    pub fn create(
        new: NewCustomer,
        memory: &NumberMemory,
        token: ConfirmationToken,
        moment: Moment,
        policy: &ConfirmationPolicy,
    ) -> Decision<Self> {
        let mut throttle = Throttle::default();
        throttle.take_number(memory);
        if let Some(retry_after) = throttle.token_after(moment.now, policy) {
            return Decision::refuse(Refusal::ResendTooSoon { retry_after });
        }
        throttle.count_token(moment.now, policy);
        let number = new.phone.number.clone();
        let challenge = Challenge::new(new.phone, token, moment.now);
        let status = pending(&challenge, PendingReason::Created, policy);
        let phone = PhoneState::Unconfirmed(challenge);
        let mut customer = Self::born(new.id, phone, new.profile, throttle, moment.now);
        let event = customer.verification(moment, moment.now, status);
        Decision::accept(Change::insert(customer, vec![event]).inheriting(number, memory.clone()))
    }

    /// A customer whose number the caller vouches for. Confirmed from birth; no event fires.
    pub fn create_confirmed(new: NewCustomer, now: Timestamp) -> Decision<Self> {
        let confirmed = Confirmed { phone: new.phone, confirmed_at: now, proof: Proof::Trusted };
        let phone = PhoneState::Confirmed(confirmed);
        let customer = Self::born(new.id, phone, new.profile, Throttle::default(), now);
        Decision::accept(Change::insert(customer, Vec::new()))
    }

    fn born(id: CustomerId, phone: PhoneState, profile: Profile, throttle: Throttle, now: Timestamp) -> Self {
        Self(CustomerParts {
            id,
            phone,
            profile,
            throttle,
            sequence: 0,
            revision: 1,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::properties::{at, moment, new_customer, token};

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
}
