//! Create a customer.

use domain::{Customer, CustomerId, Decision, NewCustomer, NumberMemory, Phone, Profile};
use ports::SaveError;

use crate::{Answer, Caller, Failure, Once, Service};

/// What is told about a new customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCustomer {
    /// The caller's own id, where he brings one.
    pub id: Option<CustomerId>,
    /// The number.
    pub phone: Phone,
    /// Names and e-mail address.
    pub profile: Profile,
    /// Whether the number is to be proved. If not, the caller vouches for it.
    pub confirmation: bool,
}

impl Service {
    /// Creates a customer: unconfirmed, with a token and a `verification` event; or confirmed, without either.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerIdTaken`], [`Failure::PhoneNumberTaken`], [`Failure::Refused`] when
    /// too many tokens were made for the number, what `once` brings, or the store's.
    pub async fn create_customer(
        &self,
        caller: Caller,
        command: CreateCustomer,
        once: Option<Once<'_, Customer>>,
    ) -> Result<Answer<Customer>, Failure> {
        caller.require_write()?;
        self.once_if_new(caller, once, async |recorder| {
            let id = command.id.unwrap_or_else(|| self.ports.ids.customer_id());
            let new = NewCustomer { id, phone: command.phone, profile: command.profile };
            // Of most numbers nothing is remembered; where it is, the store says that it is not so, and it is read.
            let mut memory = NumberMemory::default();
            for _ in 0..Self::MAX_TRIES {
                let Decision { change, outcome } = self.decide_creation(new.clone(), &memory, command.confirmation);
                match self.store_recorded(id, change, Some(recorder), outcome.as_ref()).await {
                    Err(SaveError::VersionConflict) => memory = self.memory_of(&new.phone.number).await?,
                    Err(SaveError::PhoneNumberTaken { holder, confirmed: false })
                        if self.frees_number(holder).await? => {}
                    Err(error) => return Err(error.into()),
                    Ok(()) => return Ok(outcome?),
                }
            }
            Err(Failure::Contended)
        })
        .await
    }

    fn decide_creation(&self, new: NewCustomer, memory: &NumberMemory, confirmation: bool) -> Decision<Customer> {
        if !confirmation {
            return Customer::create_confirmed(new, self.ports.clock.now());
        }
        let token = self.ports.tokens.confirmation_token();
        Customer::create(new, memory, token, self.moment(), &self.policies.confirmation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, customer_id, keyed_hash_of, phone, token};
    use domain::{EventBody, NumberMemory};
    use ports::{SaveError, StoreError};

    fn command() -> CreateCustomer {
        CreateCustomer { id: None, phone: phone(), profile: Profile::default(), confirmation: true }
    }

    #[tokio::test]
    async fn a_new_customer_is_unconfirmed_and_his_event_is_saved_with_him() {
        let mut world = World::new();
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.replaces(), None);
            assert_eq!(change.claims(), [phone().number]);
            let [event] = change.events() else { panic!("one event") };
            assert!(matches!(event.body, EventBody::Verification { .. }));
            Ok(())
        });
        let customer = world.service().create_customer(WRITER, command(), None).await.unwrap().fresh().unwrap();
        assert_eq!(customer.id(), customer_id());
        assert_eq!(customer.phone_number(), None);
        assert_eq!(customer.confirmation_token(), Some(token()));
        assert_eq!(customer.parts().created_at, World::NOW);
    }

    #[tokio::test]
    async fn without_confirmation_he_is_born_confirmed_and_no_event_fires() {
        let mut world = World::new();
        world.customers.expect_save().once().returning(|change, _| {
            assert!(change.events().is_empty());
            Ok(())
        });
        let command = CreateCustomer { confirmation: false, ..command() };
        let customer = world.service().create_customer(WRITER, command, None).await.unwrap().fresh().unwrap();
        assert_eq!(customer.confirmed_at(), Some(World::NOW));
        assert_eq!(customer.confirmation_token(), None);
    }

    #[tokio::test]
    async fn what_is_remembered_of_the_number_is_his_and_read_where_the_store_says_that_it_is_another() {
        let memory = |tokens: usize| NumberMemory { tokens: vec![World::NOW; tokens], ..NumberMemory::default() };
        let mut world = World::new();
        world.customers.checkpoint();
        let mut reads = 0;
        world.customers.expect_find_number_memory().times(2).returning(move |number| {
            assert_eq!(number, keyed_hash_of(phone().number.as_str().as_bytes()));
            reads += 1;
            Ok(memory(reads))
        });
        let mut saves = 0;
        world.customers.expect_save().times(3).returning(move |change, beside| {
            let number = keyed_hash_of(phone().number.as_str().as_bytes());
            assert_eq!(beside.inherits, Some((number, memory(saves))));
            assert_eq!(change.customer().parts().throttle.number.tokens.len(), saves + 1);
            saves += 1;
            if saves < 3 { Err(SaveError::VersionConflict) } else { Ok(()) }
        });
        assert!(world.service().create_customer(WRITER, command(), None).await.is_ok());
    }

    #[tokio::test]
    async fn the_callers_own_id_is_used() {
        let own = CustomerId::parse("fffd7e80-1691-41f5-8946-9deeaf0b8640").unwrap();
        let mut world = World::new();
        world.customers.expect_save().returning(|_, _| Ok(()));
        let command = CreateCustomer { id: Some(own), ..command() };
        assert_eq!(world.service().create_customer(WRITER, command, None).await.unwrap().fresh().unwrap().id(), own);
    }

    #[tokio::test]
    async fn a_read_key_creates_nobody() {
        let outcome = World::new().service().create_customer(READER, command(), None).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn what_the_store_refuses_is_reported_and_nothing_is_tried_again() {
        let corrupt = StoreError::Corrupt { table: "customers", column: "email", id: "1".into() };
        let unavailable = StoreError::Unavailable("down".into());
        for (error, failure) in [
            (SaveError::CustomerIdTaken, Failure::CustomerIdTaken),
            (
                SaveError::PhoneNumberTaken { holder: customer_id(), confirmed: true },
                Failure::PhoneNumberTaken { holder: customer_id(), confirmed: true },
            ),
            (SaveError::Store(unavailable.clone()), Failure::Store(unavailable)),
            (SaveError::Store(corrupt.clone()), Failure::Store(corrupt)),
        ] {
            let mut world = World::new();
            world.customers.expect_save().once().return_once(move |_, _| Err(error));
            assert_eq!(world.service().create_customer(WRITER, command(), None).await, Err(failure));
        }
    }
}
