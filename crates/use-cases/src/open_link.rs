//! Open a link to one of the customer's own pages.

use domain::{Addresses, Card, Customer, Link, LinkPurpose, TimeDelta};
use ports::LinkCode;

use crate::{Failure, Service};

/// What a code opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState<T> {
    /// Nothing: it is no link's.
    Unknown,
    /// Nothing any more: the link expired or was revoked.
    Gone,
    /// The link is live.
    Live(T),
}

/// What the page behind a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLink {
    /// The link.
    pub link: Link,
    /// How long it stays live, unless somebody ends it before.
    pub remaining: TimeDelta,
    /// Whose it is.
    pub customer: Customer,
    /// His addresses, where the link is to one of them.
    pub addresses: Addresses,
    /// His card, where the link is to that.
    pub card: Option<Card>,
}

impl Service {
    /// What `code` opens. Opening changes nothing: chat programs open links to preview them.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_link(&self, code: &str) -> Result<LinkState<OpenLink>, Failure> {
        let Some(link) = self.find_link(code).await? else { return Ok(LinkState::Unknown) };
        let now = self.ports.clock.now();
        if !link.is_live(now) {
            return Ok(LinkState::Gone);
        }
        let customers = &self.ports.customers;
        let Some(customer) = customers.find(link.customer_id).await? else { return Ok(LinkState::Unknown) };
        let (mut addresses, mut card) = (Addresses::default(), None);
        match link.purpose {
            LinkPurpose::Card => card = customers.find_card(customer.id()).await?,
            LinkPurpose::BillingAddress | LinkPurpose::ShippingAddress => {
                addresses = customers.find_addresses(customer.id()).await?;
            }
        }
        let remaining = link.expires_at - now;
        Ok(LinkState::Live(OpenLink { link, remaining, customer, addresses, card }))
    }

    /// The link of a code, live or not.
    pub(crate) async fn find_link(&self, code: &str) -> Result<Option<Link>, Failure> {
        let Some(code) = LinkCode::parse(code) else { return Ok(None) };
        let digest = self.ports.secrets.digest(code.expose());
        Ok(self.ports.links.find_by_code(&digest).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CODE, World, address, card, confirmed, link};
    use chrono::TimeDelta;
    use ports::StoreError;

    fn world(customer: Option<Customer>, stored: Option<Link>) -> World {
        let mut world = World::new();
        world.with_codes();
        world.links.expect_find_by_code().return_once(move |_| Ok(stored));
        world.customers.expect_find().returning(move |_| Ok(customer.clone()));
        world
    }

    async fn opened(world: World) -> LinkState<OpenLink> {
        world.service().open_link(CODE).await.unwrap()
    }

    #[tokio::test]
    async fn a_link_to_an_address_opens_with_the_addresses_and_without_the_card() {
        for purpose in [LinkPurpose::BillingAddress, LinkPurpose::ShippingAddress] {
            let link = link(purpose, TimeDelta::minutes(59));
            let addresses = Addresses { billing: Some(address(1)), shipping: Some(address(2)) };
            let mut world = world(Some(confirmed()), Some(link.clone()));
            let stored = addresses.clone();
            world.customers.expect_find_addresses().once().return_once(move |_| Ok(stored));
            let remaining = TimeDelta::minutes(1);
            let open = OpenLink { link, remaining, customer: confirmed(), addresses, card: None };
            assert_eq!(opened(world).await, LinkState::Live(open));
        }
    }

    #[tokio::test]
    async fn a_link_to_the_card_opens_with_the_card_and_without_the_addresses() {
        for stored in [None, Some(card(1))] {
            let link = link(LinkPurpose::Card, TimeDelta::minutes(14));
            let mut world = world(Some(confirmed()), Some(link.clone()));
            let kept = stored.clone();
            world.customers.expect_find_card().once().return_once(move |_| Ok(kept));
            let (remaining, addresses) = (TimeDelta::minutes(1), Addresses::default());
            let open = OpenLink { link, remaining, customer: confirmed(), addresses, card: stored };
            assert_eq!(opened(world).await, LinkState::Live(open));
        }
    }

    #[tokio::test]
    async fn a_dead_link_opens_nothing_and_nothing_is_read_for_it() {
        let expired = link(LinkPurpose::Card, TimeDelta::minutes(15));
        let revoked = Link { revoked_at: Some(World::NOW), ..link(LinkPurpose::Card, TimeDelta::zero()) };
        for dead in [expired, revoked] {
            let mut world = World::new();
            world.with_codes();
            world.links.expect_find_by_code().return_once(move |_| Ok(Some(dead)));
            assert_eq!(opened(world).await, LinkState::Gone);
        }
    }

    #[tokio::test]
    async fn what_is_nobodys_is_unknown() {
        assert_eq!(opened(world(None, None)).await, LinkState::Unknown);
        let link = link(LinkPurpose::Card, TimeDelta::zero());
        assert_eq!(opened(world(None, Some(link))).await, LinkState::Unknown, "its customer is gone");
    }

    #[tokio::test]
    async fn a_store_that_fails_is_no_unknown_link() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::new();
        world.with_codes();
        let failed = error.clone();
        world.links.expect_find_by_code().return_once(move |_| Err(failed));
        assert_eq!(world.service().open_link(CODE).await, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn what_cannot_be_a_code_is_not_looked_up() {
        let service = World::new().service();
        for text in ["", "short", "abcdefGHIJ123", "abcdefGHIJ1é", "abcdefGHIJ1-"] {
            assert_eq!(service.open_link(text).await, Ok(LinkState::Unknown), "{text}");
        }
    }
}
