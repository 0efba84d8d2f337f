//! Erase a customer.

use std::time::Duration;

use domain::{CustomerId, Timestamp};
use tokio::time::sleep;

use crate::{Caller, Failure, IfMatch, Service};

/// How many ids are read at once.
const BATCH: u32 = 500;
/// The wait for readers that are in the way of removing the last traces.
const SCRUB_PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// Erases a customer and all that is kept about him: here at once, at the card provider and the message broker as
    /// soon as they can be reached. His numbers are free; his id is used for ever.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Contended`], or
    /// the store's.
    pub async fn erase_customer(&self, caller: Caller, id: CustomerId, if_match: &IfMatch) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let card = async || Ok(self.ports.customers.find_card(id).await?);
        self.change_after(id, if_match, card, |customer, card| customer.erase(card.as_ref(), moment)).await?;
        tracing::info!(customer_id = %id, key_id = %caller.key_id, "a customer was erased");
        self.erased.notify_one();
        Ok(())
    }

    /// Erases customers whom a restored backup has brought back, and returns how many of them it had. The ids of the others
    /// stay used as well. Ends when nothing of them is left: where no service runs, nobody else sees to it.
    ///
    /// # Errors
    /// [`Failure::Contended`], or the store's.
    pub async fn erase_again(&self, ids: &[CustomerId]) -> Result<usize, Failure> {
        let mut erased = 0;
        for id in ids {
            match self.erase_customer(Caller::OPERATOR, *id, &IfMatch::Any).await {
                Ok(()) => erased += 1,
                Err(Failure::CustomerNotFound) => {
                    self.ports.retention.keep_erased(*id, self.ports.clock.now()).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
        while !self.ports.retention.scrub().await? {
            sleep(SCRUB_PAUSE).await;
        }
        Ok(erased)
    }

    /// The ids of all customers who were erased, with the time of it, in the order of the ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn erased_customers(&self) -> Result<Vec<(CustomerId, Timestamp)>, Failure> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|(id, _)| *id);
            let page = self.ports.retention.erased_customers(after, BATCH).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, at, card, confirmed, customer_id};
    use domain::{DetailChange, EventBody};
    use ports::SaveError;

    #[tokio::test]
    async fn a_customer_goes_with_his_card_and_one_event_tells() {
        let mut world = World::holding(confirmed());
        world.customers.expect_find_card().returning(|_| Ok(Some(card(1))));
        world.customers.expect_save().once().returning(|change, _| {
            assert!(change.erases());
            assert_eq!(change.details(), Some(&DetailChange::Card { card: None, detaches: Some(card(1)) }));
            let [event] = change.events() else { panic!("one event") };
            assert_eq!((&event.body, event.sequence), (&EventBody::Erased, 3));
            assert_eq!(change.releases().len(), 1);
            Ok(())
        });
        assert_eq!(world.service().erase_customer(WRITER, customer_id(), &IfMatch::Any).await, Ok(()));
    }

    #[tokio::test]
    async fn nobody_erases_a_stranger_with_a_read_key_or_at_another_revision() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let service = world.service();
        let outcome = service.erase_customer(WRITER, customer_id(), &IfMatch::Any).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
        let outcome = service.erase_customer(READER, customer_id(), &IfMatch::Any).await;
        assert_eq!(outcome, Err(Failure::Forbidden));
        let service = World::holding(confirmed()).service();
        let outcome = service.erase_customer(WRITER, customer_id(), &IfMatch::Revisions(vec![1])).await;
        assert_eq!(outcome, Err(Failure::PreconditionFailed));
    }

    #[tokio::test]
    async fn who_changed_meanwhile_is_erased_as_he_is_then() {
        let mut world = World::holding(confirmed());
        world.customers.expect_find_card().times(2).returning(|_| Ok(None));
        let mut saves = 0;
        world.customers.expect_save().times(2).returning(move |_, _| {
            saves += 1;
            if saves == 1 { Err(SaveError::VersionConflict) } else { Ok(()) }
        });
        assert_eq!(world.service().erase_customer(WRITER, customer_id(), &IfMatch::Any).await, Ok(()));
    }

    #[tokio::test]
    async fn all_erased_ids_are_read_page_by_page() {
        let mut world = World::new();
        let id = |number: u128| CustomerId::from(uuid::Uuid::from_u128(number));
        world.retention.expect_erased_customers().times(3).returning(move |after, _| {
            Ok(match after {
                None => vec![(id(1), at(1)), (id(2), at(2))],
                Some(after) if after == id(2) => vec![(id(3), at(3))],
                Some(_) => Vec::new(),
            })
        });
        let erased = world.service().erased_customers().await.unwrap();
        assert_eq!(erased, [(id(1), at(1)), (id(2), at(2)), (id(3), at(3))]);
    }
}
