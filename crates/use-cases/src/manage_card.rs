//! A customer's card, for callers of the API.

use domain::{Card, CustomerId};

use crate::{Caller, Failure, IfMatch, Service};

impl Service {
    /// The customer's card.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::CardNotFound`], or the store's.
    pub async fn find_card(&self, id: CustomerId) -> Result<Card, Failure> {
        self.find_customer(id).await?;
        self.ports.customers.find_card(id).await?.ok_or(Failure::CardNotFound)
    }

    /// Removes the customer's card here at once, and at its provider as soon as that can be reached.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::CardNotFound`],
    /// [`Failure::Contended`], or the store's.
    pub async fn delete_card(&self, caller: Caller, id: CustomerId, if_match: &IfMatch) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let stored = async || self.ports.customers.find_card(id).await?.ok_or(Failure::CardNotFound);
        self.change_after(id, if_match, stored, |customer, stored| customer.set_card(Some(&stored), None, moment)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, card, confirmed, customer_id};
    use domain::DetailChange;
    use mockall::Sequence;
    use ports::{SaveError, StoreError};

    fn holding(card: Option<Card>) -> World {
        let mut world = World::holding(confirmed());
        world.customers.expect_find_card().returning(move |_| Ok(card.clone()));
        world
    }

    #[tokio::test]
    async fn the_card_is_found_where_there_is_one() {
        assert_eq!(holding(Some(card(1))).service().find_card(customer_id()).await, Ok(card(1)));
        assert_eq!(holding(None).service().find_card(customer_id()).await, Err(Failure::CardNotFound));
    }

    #[tokio::test]
    async fn a_removed_card_is_to_be_removed_at_its_provider_too() {
        let mut world = holding(Some(card(1)));
        world.customers.expect_save().once().returning(|change, _| {
            assert_eq!(change.replaces(), Some(confirmed().parts().version));
            assert_eq!(change.details(), Some(&DetailChange::Card { card: None, detaches: Some(card(1)) }));
            Ok(())
        });
        assert_eq!(world.service().delete_card(WRITER, customer_id(), &IfMatch::Any).await, Ok(()));
    }

    #[tokio::test]
    async fn a_card_that_is_not_there_is_not_removed() {
        let outcome = holding(None).service().delete_card(WRITER, customer_id(), &IfMatch::Any).await;
        assert_eq!(outcome, Err(Failure::CardNotFound));
    }

    #[tokio::test]
    async fn a_card_that_cannot_be_removed_is_not_reported_as_removed() {
        let error = StoreError::Unavailable("down".into());
        let mut world = holding(Some(card(1)));
        let refused = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(refused));
        assert_eq!(world.service().delete_card(WRITER, customer_id(), &IfMatch::Any).await, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn of_two_who_remove_one_card_the_second_finds_none() {
        let mut world = World::holding(confirmed());
        let mut order = Sequence::new();
        for stored in [Some(card(1)), None] {
            let find = world.customers.expect_find_card().once().in_sequence(&mut order);
            find.return_once(move |_| Ok(stored));
        }
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
        assert_eq!(world.service().delete_card(WRITER, customer_id(), &IfMatch::Any).await, Err(Failure::CardNotFound));
    }

    #[tokio::test]
    async fn a_stranger_has_no_card_and_a_read_key_removes_none() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        assert_eq!(service.find_card(customer_id()).await, Err(Failure::CustomerNotFound));
        assert_eq!(service.delete_card(WRITER, customer_id(), &IfMatch::Any).await, Err(Failure::CustomerNotFound));
        assert_eq!(service.delete_card(READER, customer_id(), &IfMatch::Any).await, Err(Failure::Forbidden));
    }
}
