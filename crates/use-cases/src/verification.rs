//! See where the proof of a number stands, and give tries back.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Customer, CustomerId, Decision, Verification};

use crate::{Answer, Caller, Failure, Once, Service, Terms};

impl Service {
    /// Where the proof of the customer's number stands.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], or the store's.
    pub async fn find_verification(&self, id: CustomerId) -> Result<Verification, Failure> {
        let customer = self.find_customer(id).await?;
        Ok(self.verification_of(&customer))
    }

    /// Gives the tries back of a customer who has none left, and says in the log who did.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], what `once` brings, [`Failure::Contended`], or the store's.
    pub async fn unlock_verification(
        &self,
        caller: Caller,
        id: CustomerId,
        once: Option<Once<'_, Verification>>,
    ) -> Result<Answer<Verification>, Failure> {
        caller.require_write()?;
        let (now, policy) = (self.ports.clock.now(), &self.policies.confirmation);
        let terms = Terms { once, ..Terms::default() };
        let is_lifted = AtomicBool::new(false);
        let answer = self
            .change_once(caller, id, terms, |customer| {
                let Decision { change, outcome } = customer.unlock(now, policy);
                is_lifted.store(change.is_some(), Ordering::Relaxed);
                Decision { change, outcome: outcome.map(|customer| self.verification_of(&customer)) }
            })
            .await?;
        if let (Answer::Fresh(_), true) = (&answer, is_lifted.load(Ordering::Relaxed)) {
            tracing::info!(customer_id = %id, key_id = %caller.key_id, "a customer was given his tries back");
        }
        Ok(answer)
    }

    pub(crate) fn verification_of(&self, customer: &Customer) -> Verification {
        customer.verification_at(self.ports.clock.now(), &self.policies.confirmation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, confirmed, customer_id, unconfirmed};
    use domain::{PhoneState, VerificationStanding};

    fn locked() -> Customer {
        let mut parts = unconfirmed().parts().clone();
        parts.throttle.wrong_tries = vec![World::NOW; 10];
        if let PhoneState::Unconfirmed(challenge) = &mut parts.phone {
            challenge.wrong_tries = 5;
        }
        Customer::from_parts(parts)
    }

    #[tokio::test]
    async fn where_the_proof_stands_is_told_without_a_change() {
        for (customer, standing) in [
            (unconfirmed(), VerificationStanding::Pending),
            (locked(), VerificationStanding::Locked),
            (confirmed(), VerificationStanding::Confirmed),
        ] {
            let told = World::holding(customer).service().find_verification(customer_id()).await.unwrap();
            assert_eq!(told.standing, standing);
        }
    }

    #[tokio::test]
    async fn tries_are_given_back_to_who_has_none_and_to_nobody_else() {
        let mut world = World::holding(locked());
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.customer().parts().revision, locked().parts().revision, "it is bookkeeping");
            assert!(change.events().is_empty());
            Ok(())
        });
        let told = world.service().unlock_verification(WRITER, customer_id(), None).await.unwrap().fresh().unwrap();
        assert_eq!((told.standing, told.attempts_remaining), (VerificationStanding::Pending, Some(5)));
        let service = World::holding(unconfirmed()).service();
        let told = service.unlock_verification(WRITER, customer_id(), None).await.unwrap().fresh().unwrap();
        assert_eq!(told.standing, VerificationStanding::Pending);
        assert_eq!(service.unlock_verification(READER, customer_id(), None).await, Err(Failure::Forbidden));
    }
}
