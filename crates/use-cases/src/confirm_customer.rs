//! Confirm a customer's phone number.

use domain::{ConfirmationToken, Customer, CustomerId, Decision, FieldError, Refusal};

use crate::{Answer, Caller, Failure, Service, Terms};

impl Service {
    /// Presents the token that the customer got. A wrong one costs a try, which is stored before it is reported. What
    /// cannot be a token comes with what is wrong with it, and is refused, at no cost, unless the customer is unknown or
    /// confirmed already.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::Refused`] as in [`Customer::confirm`],
    /// what `terms` bring, [`Failure::Contended`], or the store's.
    pub async fn confirm_customer(
        &self,
        caller: Caller,
        id: CustomerId,
        token: Result<ConfirmationToken, Vec<FieldError>>,
        terms: Terms<'_, Customer>,
    ) -> Result<Answer<Customer>, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        self.change_once(caller, id, terms, |customer| match &token {
            Ok(token) => customer.confirm(*token, moment, &self.policies.confirmation),
            Err(_) if customer.challenge().is_none() => {
                Decision { change: None, outcome: Err(Refusal::AlreadyConfirmed) }
            }
            Err(errors) => Decision { change: None, outcome: Err(Refusal::InvalidFields(errors.clone())) },
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        READER, WRITER, World, at, confirmed, customer_id, other_token, token, unconfirmed, unconfirmed_at,
    };
    use domain::{EventBody, FieldCode, PhoneState, VerificationStatus};
    use ports::{SaveError, StoreError};

    #[tokio::test]
    async fn the_right_token_promotes_the_number_and_fires_an_event() {
        let mut world = World::holding(unconfirmed());
        world.customers.expect_save().once().returning(|change, _| {
            let [event] = change.events() else { panic!("one event") };
            let EventBody::Verification { status, .. } = &event.body else { panic!("a verification") };
            assert_eq!(*status, VerificationStatus::Confirmed);
            Ok(())
        });
        let customer = world
            .service()
            .confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default())
            .await
            .unwrap()
            .fresh()
            .unwrap();
        assert_eq!(customer.phone_number(), Some(customer.unconfirmed_phone_number()));
    }

    #[tokio::test]
    async fn a_wrong_token_costs_one_try_that_is_saved_before_it_is_told() {
        let mut world = World::holding(unconfirmed());
        world.customers.expect_save().once().returning(|change, _| {
            let PhoneState::Unconfirmed(challenge) = &change.customer().parts().phone else { panic!("unconfirmed") };
            assert_eq!(challenge.wrong_tries, 1);
            assert!(change.events().is_empty());
            Ok(())
        });
        let outcome =
            world.service().confirm_customer(WRITER, customer_id(), Ok(other_token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::TokenInvalid { attempts_remaining: 4 })));
    }

    #[tokio::test]
    async fn a_wrong_token_whose_try_cannot_be_saved_is_not_judged() {
        let mut world = World::holding(unconfirmed());
        let error = StoreError::Unavailable("down".into());
        let store_error = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(store_error));
        let outcome =
            world.service().confirm_customer(WRITER, customer_id(), Ok(other_token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn an_expired_and_a_dead_token_are_refused_without_a_save() {
        let service = World::holding(unconfirmed_at(at(0))).service();
        let outcome = service.confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::TokenExpired)));

        let mut parts = unconfirmed().parts().clone();
        if let PhoneState::Unconfirmed(challenge) = &mut parts.phone {
            challenge.wrong_tries = 5;
        }
        let service = World::holding(Customer::from_parts(parts)).service();
        let outcome = service.confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::TooManyAttempts { retry_after: None })));
    }

    #[tokio::test]
    async fn what_cannot_be_a_token_costs_nothing_and_matters_only_to_an_unconfirmed_customer() {
        let wrong = || Err(vec![FieldError::new("confirmation_token", FieldCode::Missing, "is required")]);
        let service = World::holding(unconfirmed()).service();
        let outcome = service.confirm_customer(WRITER, customer_id(), wrong(), Terms::default()).await;
        assert!(matches!(outcome, Err(Failure::Refused(Refusal::InvalidFields(_)))), "{outcome:?}");
        let service = World::holding(confirmed()).service();
        let outcome = service.confirm_customer(WRITER, customer_id(), wrong(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::AlreadyConfirmed)));
    }

    #[tokio::test]
    async fn a_lost_race_is_decided_anew_on_what_the_winner_left() {
        let mut world = World::new();
        let mut finds = 0;
        world.customers.expect_find().times(2).returning(move |_| {
            finds += 1;
            Ok(Some(if finds == 1 { unconfirmed() } else { confirmed() }))
        });
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
        let outcome = world.service().confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::AlreadyConfirmed)));
    }

    #[tokio::test]
    async fn a_race_that_is_lost_again_and_again_ends() {
        let mut world = World::holding(unconfirmed());
        world.customers.expect_save().times(Service::MAX_TRIES).returning(|_, _| Err(SaveError::VersionConflict));
        let outcome = world.service().confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Contended));
    }

    #[tokio::test]
    async fn nobody_confirms_a_stranger_or_with_a_read_key() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        let outcome = service.confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
        let outcome = service.confirm_customer(READER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn a_corrupt_row_is_told_apart_from_a_missing_one() {
        let mut world = World::new();
        let error = StoreError::Corrupt { table: "customers", column: "phone_number", id: "1".into() };
        let found = error.clone();
        world.customers.expect_find().return_once(move |_| Err(found));
        let outcome = world.service().confirm_customer(WRITER, customer_id(), Ok(token()), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Store(error)));
    }
}
