//! Update a customer's profile.

use domain::{Asserted, Customer, CustomerId, Decision, FieldError, ProfileEdits, Refusal};

use crate::{Caller, Failure, IfMatch, Service};

/// What an update asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateCustomer {
    /// What changes.
    pub edits: ProfileEdits,
    /// What is repeated and must not differ.
    pub asserted: Asserted,
    /// What is wrong with the input in itself. It travels with the rest so that it is reported together with what
    /// contradicts the stored customer: all bad fields at once.
    pub invalid: Vec<FieldError>,
}

impl Service {
    /// Changes names and e-mail address, and fires `customer.updated` where one of them is another now.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Refused`] with
    /// all bad fields, [`Failure::Contended`], or the store's.
    pub async fn update_customer(
        &self,
        caller: Caller,
        id: CustomerId,
        if_match: &IfMatch,
        command: UpdateCustomer,
    ) -> Result<Customer, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        self.change(id, if_match, |customer| {
            let mut errors = command.invalid.clone();
            errors.extend(customer.contradictions(&command.asserted));
            if errors.is_empty() {
                customer.update(command.edits.clone(), moment)
            } else {
                Decision { change: None, outcome: Err(Refusal::InvalidFields(errors)) }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, customer_id, unconfirmed};
    use domain::{Email, FieldCode, Member};
    use ports::{SaveError, StoreError};

    fn new_email() -> UpdateCustomer {
        let email = Member::Value(Email::parse("yogi@berra.com").unwrap());
        UpdateCustomer { edits: ProfileEdits { email, ..ProfileEdits::default() }, ..UpdateCustomer::default() }
    }

    #[tokio::test]
    async fn what_changes_is_saved_once_over_the_version_that_was_read() {
        let mut world = World::holding(unconfirmed());
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.replaces(), Some(1));
            Ok(())
        });
        let customer =
            world.service().update_customer(WRITER, customer_id(), &IfMatch::Any, new_email()).await.unwrap();
        assert_eq!(customer.profile().email.as_ref().unwrap().as_str(), "yogi@berra.com");
    }

    #[tokio::test]
    async fn what_changes_nothing_is_not_saved() {
        let service = World::holding(unconfirmed()).service();
        let customer = service.update_customer(WRITER, customer_id(), &IfMatch::Any, UpdateCustomer::default()).await;
        assert_eq!(customer, Ok(unconfirmed()));
    }

    #[tokio::test]
    async fn bad_fields_and_contradictions_are_reported_together() {
        let command = UpdateCustomer {
            invalid: vec![FieldError::new("email", FieldCode::Invalid, "must be an e-mail address")],
            asserted: Asserted { country_code: Member::Value("FR".into()), ..Asserted::default() },
            ..new_email()
        };
        let outcome = World::holding(unconfirmed())
            .service()
            .update_customer(WRITER, customer_id(), &IfMatch::Any, command)
            .await;
        let Err(Failure::Refused(Refusal::InvalidFields(errors))) = outcome else { panic!("{outcome:?}") };
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_ref()).collect();
        assert_eq!(fields, ["email", "country_code"]);
    }

    #[tokio::test]
    async fn a_lost_race_is_applied_on_top_of_the_winner() {
        let mut world = World::holding(unconfirmed());
        let mut saves = 0;
        world.customers.expect_save().times(2).returning(move |_, _| {
            saves += 1;
            if saves == 1 { Err(SaveError::VersionConflict) } else { Ok(()) }
        });
        assert!(world.service().update_customer(WRITER, customer_id(), &IfMatch::Any, new_email()).await.is_ok());
    }

    #[tokio::test]
    async fn an_update_that_cannot_be_saved_is_not_reported_as_done() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::holding(unconfirmed());
        let refused = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(refused));
        let outcome = world.service().update_customer(WRITER, customer_id(), &IfMatch::Any, new_email()).await;
        assert_eq!(outcome, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn nobody_updates_a_stranger_or_with_a_read_key() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        let outcome = service.update_customer(WRITER, customer_id(), &IfMatch::Any, new_email()).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
        let outcome = service.update_customer(READER, customer_id(), &IfMatch::Any, new_email()).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
    }
}
