//! Change a customer's number.

use domain::{Customer, CustomerId, Decision, FieldError, NumberMemory, Phone, Refusal};

use crate::{Answer, Caller, Failure, IfMatch, Service, Terms};

/// What a change of number asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNumber {
    /// The number.
    pub phone: Phone,
    /// Whether it is to be proved. If not, the caller vouches for it.
    pub confirmation: bool,
}

impl Service {
    /// Asks for the proof of another number, or takes it on the caller's word. A confirmed customer keeps his number
    /// until the other one is proved. What cannot be a number comes as what is wrong with it: it is refused, where there
    /// is such a customer at all.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PhoneNumberTaken`], [`Failure::Refused`] with
    /// all bad fields, when the number is his already or it is too soon for another token, what `terms` bring,
    /// [`Failure::Contended`], or the store's.
    pub async fn change_number(
        &self,
        caller: Caller,
        id: CustomerId,
        command: Result<ChangeNumber, Vec<FieldError>>,
        terms: Terms<'_, Customer>,
    ) -> Result<Answer<Customer>, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let token = self.ports.tokens.confirmation_token();
        let policy = &self.policies.confirmation;
        let memory = async || match &command {
            Ok(command) if command.confirmation => self.memory_of(&command.phone.number).await,
            Ok(_) | Err(_) => Ok(NumberMemory::default()),
        };
        self.change_once_after(caller, id, terms, memory, |customer, memory| match &command {
            Ok(ChangeNumber { phone, confirmation: true }) => {
                customer.change_number(phone.clone(), &memory, token, moment, policy)
            }
            Ok(ChangeNumber { phone, confirmation: false }) => customer.trust_number(phone.clone(), moment),
            Err(errors) => Decision { change: None, outcome: Err(Refusal::InvalidFields(errors.clone())) },
        })
        .await
    }

    /// Gives up the number that is to take the place of the customer's.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Refused`] when
    /// there is none, [`Failure::Contended`], or the store's.
    pub async fn withdraw_number(&self, caller: Caller, id: CustomerId, if_match: &IfMatch) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        self.change(id, if_match, |customer| customer.withdraw_number(moment)).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::testing::{
        READER, WRITER, World, at, confirmed, customer_id, keyed_hash_of, phone, token, unconfirmed_at,
    };
    use domain::{CountryCode, FieldCode, Moment, PhoneState, PhoneValidation, TimeDelta};
    use ports::{SaveError, StoreError};

    fn other_phone() -> Phone {
        Phone::read("+33142685300", CountryCode::parse("FR").unwrap(), PhoneValidation::Possible).unwrap()
    }

    fn command(confirmation: bool) -> ChangeNumber {
        ChangeNumber { phone: other_phone(), confirmation }
    }

    /// A confirmed customer long ago, so that no limit is in the way.
    fn long_confirmed() -> Customer {
        let unconfirmed = unconfirmed_at(at(0));
        let moment = Moment { now: at(1), event_id: domain::EventId::from(uuid::Uuid::from_u128(2)) };
        unconfirmed.confirm(token(), moment, &domain::ConfirmationPolicy::default()).outcome.unwrap()
    }

    /// The same with another number that was asked for so long ago.
    fn changing(age: TimeDelta) -> Customer {
        let moment = Moment { now: World::NOW - age, event_id: domain::EventId::from(uuid::Uuid::from_u128(4)) };
        let policy = domain::ConfirmationPolicy::default();
        let memory = NumberMemory::default();
        long_confirmed().change_number(other_phone(), &memory, token(), moment, &policy).outcome.unwrap()
    }

    async fn change(world: World, confirmation: bool) -> Result<Customer, Failure> {
        let service = world.service();
        let answer = service.change_number(WRITER, customer_id(), Ok(command(confirmation)), Terms::default()).await?;
        Ok(answer.fresh().unwrap())
    }

    #[tokio::test]
    async fn a_confirmed_customer_keeps_his_number_until_the_other_is_proved() {
        let mut world = World::holding(long_confirmed());
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!((change.claims(), change.releases().len()), ([other_phone().number].as_slice(), 0));
            assert_eq!(change.events().len(), 1);
            Ok(())
        });
        let customer = change(world, true).await.unwrap();
        assert_eq!(customer.phone_number(), Some(&phone().number));
        assert_eq!(customer.unconfirmed_phone_number(), &other_phone().number);
    }

    #[tokio::test]
    async fn a_number_that_is_given_up_is_remembered_under_its_keyed_hash() {
        let mut world = World::holding(unconfirmed_at(at(0)));
        world.customers.expect_save().once().returning(|change, beside| {
            let [(number, memory)] = change.releases() else { panic!("one number") };
            assert_eq!((number, memory.tokens.as_slice()), (&phone().number, [at(0)].as_slice()));
            let hash = keyed_hash_of(phone().number.as_str().as_bytes());
            assert_eq!(beside.memories, [(hash, memory.clone())]);
            Ok(())
        });
        assert!(change(world, true).await.is_ok());
    }

    #[tokio::test]
    async fn on_the_callers_word_the_number_is_his_at_once_and_no_token_is_made() {
        let mut world = World::holding(long_confirmed());
        world.customers.expect_save().once().returning(|_, _| Ok(()));
        let customer = change(world, false).await.unwrap();
        assert_eq!(customer.phone_number(), Some(&other_phone().number));
        assert_eq!(customer.confirmation_token(), None);
    }

    #[tokio::test]
    async fn what_is_no_number_matters_only_where_there_is_such_a_customer() {
        let errors = vec![FieldError::new("country_code", FieldCode::Missing, "is required")];
        let wrong = || Err(errors.clone());
        let service = World::holding(confirmed()).service();
        let outcome = service.change_number(WRITER, customer_id(), wrong(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::InvalidFields(errors.clone()))));
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        let outcome = service.change_number(WRITER, customer_id(), wrong(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
        let outcome = service.change_number(READER, customer_id(), wrong(), Terms::default()).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
        assert_eq!(service.withdraw_number(READER, customer_id(), &IfMatch::Any).await, Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn a_number_whose_holder_has_waited_too_long_for_it_is_taken_from_him() {
        let holder = domain::CustomerId::from(uuid::Uuid::from_u128(0xbad));
        let mut world = World::new();
        let withdrawn = Arc::new(AtomicBool::new(false));
        let is_withdrawn = withdrawn.clone();
        world.customers.expect_find().returning(move |id| {
            let of_holder = || {
                if is_withdrawn.load(Ordering::SeqCst) { long_confirmed() } else { changing(TimeDelta::hours(25)) }
            };
            Ok(Some(if id == holder { of_holder() } else { unconfirmed_at(at(0)) }))
        });
        world.customers.expect_save().times(3).returning(move |change, _| {
            if matches!(change.customer().parts().phone, PhoneState::Confirmed(_)) {
                withdrawn.store(true, Ordering::SeqCst);
                Ok(())
            } else if withdrawn.load(Ordering::SeqCst) {
                Ok(())
            } else {
                Err(SaveError::PhoneNumberTaken { holder, confirmed: false })
            }
        });
        assert!(change(world, true).await.is_ok());
    }

    #[tokio::test]
    async fn a_number_that_is_held_stays_taken() {
        let mut world = World::holding(unconfirmed_at(at(0)));
        let taken = SaveError::PhoneNumberTaken { holder: customer_id(), confirmed: true };
        world.customers.expect_save().once().return_once(move |_, _| Err(taken));
        let taken = Failure::PhoneNumberTaken { holder: customer_id(), confirmed: true };
        assert_eq!(change(world, true).await, Err(taken));
    }

    #[tokio::test]
    async fn a_pending_number_is_withdrawn_once() {
        let mut world = World::holding(changing(TimeDelta::hours(1)));
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.releases().len(), 1);
            Ok(())
        });
        assert_eq!(world.service().withdraw_number(WRITER, customer_id(), &IfMatch::Any).await, Ok(()));
        let outcome = World::holding(confirmed()).service().withdraw_number(WRITER, customer_id(), &IfMatch::Any).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::NothingPending)));
    }

    #[tokio::test]
    async fn whoever_looks_at_a_customer_withdraws_what_has_waited_too_long() {
        let mut world = World::new();
        let mut finds = 0;
        world.customers.expect_find().times(2).returning(move |_| {
            finds += 1;
            Ok(Some(if finds == 1 { changing(TimeDelta::hours(24)) } else { long_confirmed() }))
        });
        world.customers.expect_save().once().returning(|_, _| Ok(()));
        assert_eq!(world.service().find_customer(customer_id()).await, Ok(long_confirmed()));
    }

    #[tokio::test]
    async fn a_store_that_fails_is_told() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::holding(long_confirmed());
        let failed = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(failed));
        assert_eq!(change(world, true).await, Err(Failure::Store(error)));
    }
}
