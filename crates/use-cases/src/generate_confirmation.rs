//! Generate a new confirmation token.

use domain::{CustomerId, Decision};

use crate::{Answer, Caller, Failure, Service, Terms};

impl Service {
    /// Gives an unconfirmed customer a new token and fires a `verification` event; the old token is dead.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::Refused`] as in
    /// [`domain::Customer::regenerate_token`], what `terms` bring, [`Failure::Contended`], or the store's.
    pub async fn generate_confirmation(
        &self,
        caller: Caller,
        id: CustomerId,
        terms: Terms<'_, ()>,
    ) -> Result<Answer<()>, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let token = self.ports.tokens.confirmation_token();
        self.change_once(caller, id, terms, |customer| {
            let Decision { change, outcome } = customer.regenerate_token(token, moment, &self.policies.confirmation);
            Decision { change, outcome: outcome.map(|_| ()) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{READER, WRITER, World, at, confirmed, customer_id, unconfirmed, unconfirmed_at};
    use crate::{Failure, Service, Terms};
    use domain::{EventBody, PendingReason, Refusal, VerificationStatus};
    use ports::{SaveError, StoreError};

    #[tokio::test]
    async fn a_new_token_is_saved_with_its_event() {
        let mut world = World::holding(unconfirmed_at(at(0)));
        world.customers.expect_save().once().returning(|change, _| {
            let [event] = change.events() else { panic!("one event") };
            let EventBody::Verification { status, .. } = &event.body else { panic!("a verification") };
            assert!(matches!(status, VerificationStatus::Pending { reason: PendingReason::Regenerated, .. }));
            assert_eq!(event.sequence, 2);
            Ok(())
        });
        world.service().generate_confirmation(WRITER, customer_id(), Terms::default()).await.unwrap();
    }

    #[tokio::test]
    async fn too_soon_already_confirmed_unknown_and_forbidden_are_refused_without_a_save() {
        let too_soon = World::holding(unconfirmed()).service();
        let outcome = too_soon.generate_confirmation(WRITER, customer_id(), Terms::default()).await;
        assert!(matches!(outcome, Err(Failure::Refused(Refusal::ResendTooSoon { .. }))));

        let outcome =
            World::holding(confirmed()).service().generate_confirmation(WRITER, customer_id(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::AlreadyConfirmed)));

        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let outcome = world.service().generate_confirmation(WRITER, customer_id(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));

        let outcome = World::new().service().generate_confirmation(READER, customer_id(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn a_store_that_fails_fires_nothing_and_says_so() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::holding(unconfirmed_at(at(0)));
        let refused = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(refused));
        let outcome = world.service().generate_confirmation(WRITER, customer_id(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn a_race_that_is_lost_again_and_again_ends() {
        let mut world = World::holding(unconfirmed_at(at(0)));
        world.customers.expect_save().times(Service::MAX_TRIES).returning(|_, _| Err(SaveError::VersionConflict));
        let outcome = world.service().generate_confirmation(WRITER, customer_id(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Contended));
    }
}
