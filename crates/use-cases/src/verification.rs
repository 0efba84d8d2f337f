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
