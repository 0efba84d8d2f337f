//! The customer saves an address in the form behind his link.

use domain::{Address, Addresses, Decision};

use crate::{Failure, IfMatch, LinkState, Service};

impl Service {
    /// Saves an address by a link to its form. The link stays: the person may correct himself.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`], or the store's.
    pub async fn save_address_by_link(&self, code: &str, address: Address) -> Result<LinkState<()>, Failure> {
        let Some(link) = self.find_link(code).await? else { return Ok(LinkState::Unknown) };
        let Some(purpose) = link.purpose.address() else { return Ok(LinkState::Unknown) };
        let (id, moment) = (link.customer_id, self.moment());
        // What revokes a link moves its customer's version: one that is live here is live when the address is stored.
        let load = async || {
            let is_live = self.find_link(code).await?.is_some_and(|link| link.is_live(moment.now));
            Ok::<(bool, Addresses), Failure>((is_live, self.ports.customers.find_addresses(id).await?))
        };
        self.change_after(id, &IfMatch::Any, load, |customer, (is_live, stored)| {
            if !is_live {
                return Decision { change: None, outcome: Ok(LinkState::Gone) };
            }
            let Decision { change, outcome } =
                customer.set_address(purpose, stored.get(purpose), Some(address.clone()), moment);
            Decision { change, outcome: outcome.map(LinkState::Live) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CODE, World, address, confirmed, link};
    use chrono::TimeDelta;
    use domain::{AddressPurpose, DetailChange, Link, LinkPurpose};
    use mockall::Sequence;
    use ports::{SaveError, StoreError};

    fn live(purpose: LinkPurpose) -> Link {
        link(purpose, TimeDelta::minutes(59))
    }

    fn revoked() -> Link {
        Link { revoked_at: Some(World::NOW), ..live(LinkPurpose::BillingAddress) }
    }

    /// A world in which the code is of these links, one look-up after the other.
    fn world(links: Vec<Option<Link>>) -> World {
        let mut world = World::holding(confirmed());
        world.with_codes();
        let mut order = Sequence::new();
        for link in links {
            let find = world.links.expect_find_by_code().once().in_sequence(&mut order);
            find.return_once(move |_| Ok(link));
        }
        world
    }

    /// The same, where the customer has this billing address.
    fn holding(billing: Option<Address>, links: Vec<Option<Link>>) -> World {
        let mut world = world(links);
        let stored = Addresses { billing, shipping: None };
        world.customers.expect_find_addresses().returning(move |_| Ok(stored.clone()));
        world
    }

    async fn save(world: World) -> Result<LinkState<()>, Failure> {
        world.service().save_address_by_link(CODE, address(1)).await
    }

    #[tokio::test]
    async fn a_live_link_saves_the_address_of_its_purpose() {
        for (of_link, of_address) in [
            (LinkPurpose::BillingAddress, AddressPurpose::Billing),
            (LinkPurpose::ShippingAddress, AddressPurpose::Shipping),
        ] {
            let mut world = holding(None, vec![Some(live(of_link)); 2]);
            world.customers.expect_save().once().returning(move |change, _| {
                assert_eq!(change.replaces(), Some(confirmed().parts().version));
                assert_eq!(change.details(), Some(&DetailChange::Address(of_address, Some(address(1)))));
                assert_eq!(change.revokes_links(), [], "the person may correct himself");
                Ok(())
            });
            assert_eq!(save(world).await, Ok(LinkState::Live(())));
        }
    }

    #[tokio::test]
    async fn a_form_that_is_sent_twice_saves_once() {
        let world = holding(Some(address(1)), vec![Some(live(LinkPurpose::BillingAddress)); 2]);
        assert_eq!(save(world).await, Ok(LinkState::Live(())));
    }

    #[tokio::test]
    async fn a_code_of_no_link_or_of_a_card_saves_no_address() {
        assert_eq!(save(world(vec![None])).await, Ok(LinkState::Unknown));
        let card = link(LinkPurpose::Card, TimeDelta::zero());
        assert_eq!(save(world(vec![Some(card)])).await, Ok(LinkState::Unknown));
        let outcome = World::new().service().save_address_by_link("no code", address(1)).await;
        assert_eq!(outcome, Ok(LinkState::Unknown));
    }

    #[tokio::test]
    async fn a_dead_link_saves_nothing() {
        let expired = link(LinkPurpose::BillingAddress, TimeDelta::minutes(60));
        for dead in [expired, revoked()] {
            assert_eq!(save(holding(None, vec![Some(dead); 2])).await, Ok(LinkState::Gone));
        }
    }

    #[tokio::test]
    async fn a_link_that_dies_between_the_look_up_and_the_save_saves_nothing() {
        let live = Some(live(LinkPurpose::BillingAddress));
        for after in [Some(revoked()), None] {
            let before_the_decision = holding(None, vec![live.clone(), after.clone()]);
            assert_eq!(save(before_the_decision).await, Ok(LinkState::Gone));

            let mut after_the_decision = holding(None, vec![live.clone(), live.clone(), after]);
            after_the_decision.customers.expect_save().once().returning(|_, _| Err(SaveError::VersionConflict));
            assert_eq!(save(after_the_decision).await, Ok(LinkState::Gone));
        }
    }

    #[tokio::test]
    async fn a_lost_race_is_decided_anew() {
        let mut world = holding(None, vec![Some(live(LinkPurpose::BillingAddress)); 3]);
        let mut saves = 0;
        world.customers.expect_save().times(2).returning(move |_, _| {
            saves += 1;
            if saves == 1 { Err(SaveError::VersionConflict) } else { Ok(()) }
        });
        assert_eq!(save(world).await, Ok(LinkState::Live(())));
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_saved_is_not_reported_as_saved() {
        let error = StoreError::Unavailable("down".into());
        let mut world = holding(None, vec![Some(live(LinkPurpose::BillingAddress)); 2]);
        let refused = SaveError::Store(error.clone());
        world.customers.expect_save().once().return_once(move |_, _| Err(refused));
        assert_eq!(save(world).await, Err(Failure::Store(error)));
    }
}
