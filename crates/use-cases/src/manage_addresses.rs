//! A customer's addresses, for callers of the API.

use domain::{Address, AddressPurpose, Addresses, CustomerId, Decision, FieldError, Refusal};

use crate::{Caller, Failure, IfMatch, Service};

impl Service {
    /// Both addresses of a customer.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], or the store's.
    pub async fn find_addresses(&self, id: CustomerId) -> Result<Addresses, Failure> {
        self.find_customer(id).await?;
        Ok(self.ports.customers.find_addresses(id).await?)
    }

    /// Saves an address in the place of the one of its purpose. What cannot be an address comes as what is wrong with
    /// it: it is refused, where there is such a customer at all.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Refused`] with
    /// all bad fields, [`Failure::Contended`], or the store's.
    pub async fn put_address(
        &self,
        caller: Caller,
        id: CustomerId,
        if_match: &IfMatch,
        purpose: AddressPurpose,
        address: Result<Address, Vec<FieldError>>,
    ) -> Result<Address, Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let stored = async || Ok(self.ports.customers.find_addresses(id).await?);
        self.change_after(id, if_match, stored, |customer, stored| match &address {
            Ok(address) => {
                let stored = stored.get(purpose);
                let Decision { change, outcome } = customer.set_address(purpose, stored, Some(address.clone()), moment);
                Decision { change, outcome: outcome.map(|()| address.clone()) }
            }
            Err(errors) => Decision { change: None, outcome: Err(Refusal::InvalidFields(errors.clone())) },
        })
        .await
    }

    /// Removes the address of a purpose.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`],
    /// [`Failure::AddressNotFound`], [`Failure::Contended`], or the store's.
    pub async fn delete_address(
        &self,
        caller: Caller,
        id: CustomerId,
        if_match: &IfMatch,
        purpose: AddressPurpose,
    ) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let stored = async || {
            let stored = self.ports.customers.find_addresses(id).await?;
            stored.get(purpose).cloned().ok_or(Failure::AddressNotFound)
        };
        self.change_after(id, if_match, stored, |customer, stored| {
            customer.set_address(purpose, Some(&stored), None, moment)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, address, confirmed, customer_id};
    use domain::{DetailChange, FieldCode};
    use mockall::Sequence;
    use ports::{SaveError, StoreError};

    const BILLING: AddressPurpose = AddressPurpose::Billing;

    /// A world in which the customer has this billing address.
    fn holding(billing: Option<Address>) -> World {
        let mut world = World::holding(confirmed());
        let stored = Addresses { billing, shipping: Some(address(9)) };
        world.customers.expect_find_addresses().returning(move |_| Ok(stored.clone()));
        world
    }

    async fn put(world: World, address: Address) -> Result<Address, Failure> {
        world.service().put_address(WRITER, customer_id(), &IfMatch::Any, BILLING, Ok(address)).await
    }

    #[tokio::test]
    async fn both_addresses_are_found() {
        let found = holding(Some(address(1))).service().find_addresses(customer_id()).await.unwrap();
        assert_eq!((found.billing, found.shipping), (Some(address(1)), Some(address(9))));
    }

    #[tokio::test]
    async fn an_address_is_saved_once_over_the_version_that_was_read() {
        for stored in [None, Some(address(1))] {
            let mut world = holding(stored);
            world.customers.expect_save().once().returning(|change, _| {
                assert_eq!(change.replaces(), Some(confirmed().parts().version));
                assert_eq!(change.details(), Some(&DetailChange::Address(BILLING, Some(address(2)))));
                assert_eq!(change.events().len(), 1);
                Ok(())
            });
            assert_eq!(put(world, address(2)).await, Ok(address(2)));
        }
    }

    #[tokio::test]
    async fn an_address_that_is_stored_already_is_not_saved() {
        assert_eq!(put(holding(Some(address(1))), address(1)).await, Ok(address(1)));
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused_with_all_bad_fields() {
        let errors = vec![
            FieldError::new("line1", FieldCode::Missing, "is missing"),
            FieldError::new("region", FieldCode::Invalid, "must be a state"),
        ];
        let service = holding(None).service();
        let outcome = service.put_address(WRITER, customer_id(), &IfMatch::Any, BILLING, Err(errors.clone())).await;
        assert_eq!(outcome, Err(Failure::Refused(Refusal::InvalidFields(errors))));
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_saved_is_not_reported_as_saved() {
        let error = StoreError::Unavailable("down".into());
        let mut world = holding(None);
        let refused = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(refused));
        assert_eq!(put(world, address(1)).await, Err(Failure::Store(error)));
    }

    /// A world in which another request was faster and left this billing address.
    fn lost_to(before: Option<Address>, after: Option<Address>) -> World {
        let mut world = World::holding(confirmed());
        let mut order = Sequence::new();
        for billing in [before, after] {
            let stored = Addresses { billing, shipping: None };
            let find = world.customers.expect_find_addresses().once().in_sequence(&mut order);
            find.return_once(move |_| Ok(stored));
        }
        world
    }

    #[tokio::test]
    async fn a_lost_race_is_decided_anew_over_what_the_winner_left() {
        let mut world = lost_to(None, Some(address(1)));
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
        assert_eq!(put(world, address(1)).await, Ok(address(1)), "the winner saved the same");

        let mut world = lost_to(Some(address(1)), None);
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
        let outcome = world.service().delete_address(WRITER, customer_id(), &IfMatch::Any, BILLING).await;
        assert_eq!(outcome, Err(Failure::AddressNotFound), "the winner removed it");
    }

    #[tokio::test]
    async fn who_loses_every_race_is_told_to_come_back() {
        let mut world = holding(None);
        let tries = Service::MAX_TRIES;
        world.customers.expect_save().times(tries).returning(|_, _| Err(SaveError::VersionConflict));
        assert_eq!(put(world, address(1)).await, Err(Failure::Contended));
    }

    #[tokio::test]
    async fn an_address_is_removed_once() {
        let mut world = holding(Some(address(1)));
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.details(), Some(&DetailChange::Address(BILLING, None)));
            Ok(())
        });
        assert_eq!(world.service().delete_address(WRITER, customer_id(), &IfMatch::Any, BILLING).await, Ok(()));
    }

    #[tokio::test]
    async fn an_address_that_is_not_there_is_not_removed() {
        let outcome = holding(None).service().delete_address(WRITER, customer_id(), &IfMatch::Any, BILLING).await;
        assert_eq!(outcome, Err(Failure::AddressNotFound));
    }

    #[tokio::test]
    async fn a_stranger_has_no_addresses() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        assert_eq!(service.find_addresses(customer_id()).await, Err(Failure::CustomerNotFound));
        for address in [Ok(address(1)), Err(vec![FieldError::new("name", FieldCode::Missing, "is missing")])] {
            let outcome = service.put_address(WRITER, customer_id(), &IfMatch::Any, BILLING, address).await;
            assert_eq!(outcome, Err(Failure::CustomerNotFound));
        }
        let outcome = service.delete_address(WRITER, customer_id(), &IfMatch::Any, BILLING).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
    }

    #[tokio::test]
    async fn nobody_changes_an_address_with_a_read_key() {
        let service = World::new().service();
        let outcome = service.put_address(READER, customer_id(), &IfMatch::Any, BILLING, Ok(address(1))).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
        assert_eq!(
            service.delete_address(READER, customer_id(), &IfMatch::Any, BILLING).await,
            Err(Failure::Forbidden)
        );
    }
}
