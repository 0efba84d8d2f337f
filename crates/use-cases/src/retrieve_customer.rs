//! Retrieve a customer, with links to his own pages.

use chrono::TimeDelta;
use domain::{Customer, CustomerId, Link, LinkPurpose, Timestamp};
use ports::{LinkCode, SaveError, StoredLink};

use crate::{Caller, Failure, Service};

/// The codes of a customer's three links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerLinks {
    /// Opens the form of the billing address.
    pub billing_address: LinkCode,
    /// Opens the form of the shipping address.
    pub shipping_address: LinkCode,
    /// Opens the card form.
    pub card: LinkCode,
}

impl Service {
    /// Expired links are kept so long, to tell their holders that they expired rather than never were.
    const EXPIRED_LINKS_KEPT: TimeDelta = TimeDelta::days(30);

    /// The customer. A change of number that has waited for too long is withdrawn first.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`], or the store's.
    pub async fn find_customer(&self, id: CustomerId) -> Result<Customer, Failure> {
        for _ in 0..Self::MAX_TRIES {
            let customer = self.ports.customers.find(id).await?.ok_or(Failure::CustomerNotFound)?;
            if !customer.is_change_overdue(self.ports.clock.now(), &self.policies.confirmation) {
                return Ok(customer);
            }
            let withdrawal = customer.withdraw_overdue_number(self.moment(), &self.policies.confirmation);
            match self.store(withdrawal, None).await {
                Ok(()) | Err(SaveError::VersionConflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Contended)
    }

    /// The customer and, for a caller who may write, links to his pages: live ones with more than half their life
    /// left, else new ones.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`], or the store's.
    pub async fn retrieve_customer(
        &self,
        caller: Caller,
        id: CustomerId,
    ) -> Result<(Customer, Option<CustomerLinks>), Failure> {
        let customer = self.find_customer(id).await?;
        let links = if caller.may_write() { Some(self.links(id).await?) } else { None };
        Ok((customer, links))
    }

    async fn links(&self, id: CustomerId) -> Result<CustomerLinks, Failure> {
        let now = self.ports.clock.now();
        let latest = self.ports.links.latest(id).await?;
        let (mut codes, mut new) = (Vec::new(), Vec::new());
        for purpose in LinkPurpose::ALL {
            let last = latest.iter().find(|stored| stored.link.purpose == purpose);
            match last.filter(|stored| stored.link.is_fresh(now)).and_then(|stored| self.code(stored)) {
                Some(code) => codes.push((purpose, code)),
                None => new.push(self.next_link(last, id, purpose, now)),
            }
        }
        if !new.is_empty() {
            let issued = self.ports.links.issue(new, now - Self::EXPIRED_LINKS_KEPT).await?;
            if issued.is_empty() {
                return Err(Failure::CustomerNotFound);
            }
            codes.extend(issued.iter().filter_map(|stored| Some((stored.link.purpose, self.code(stored)?))));
        }
        // Another request may have issued first, and during a change of secret under another one: then come back.
        let code = |purpose| {
            let found = codes.iter().find(|(of, _)| *of == purpose);
            found.map(|(_, code)| code.clone()).ok_or(Failure::Contended)
        };
        Ok(CustomerLinks {
            billing_address: code(LinkPurpose::BillingAddress)?,
            shipping_address: code(LinkPurpose::ShippingAddress)?,
            card: code(LinkPurpose::Card)?,
        })
    }

    fn next_link(&self, last: Option<&StoredLink>, id: CustomerId, purpose: LinkPurpose, now: Timestamp) -> StoredLink {
        let last = last.map(|stored| &stored.link);
        let link = Link::next(last, self.ports.ids.link_id(), id, purpose, now, &self.policies.links);
        let code = self.ports.secrets.digest(self.ports.secrets.link_code(link.id).expose());
        StoredLink { link, code }
    }

    /// The code of a link, if it was made under the secret key of today.
    fn code(&self, stored: &StoredLink) -> Option<LinkCode> {
        let code = self.ports.secrets.link_code(stored.link.id);
        (self.ports.secrets.digest(code.expose()) == stored.code).then_some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{READER, WRITER, World, code_of, customer_id, unconfirmed};
    use domain::LinkId;
    use ports::{Digest, StoreError};
    use uuid::Uuid;

    fn stored(purpose: LinkPurpose, id: u128, age: TimeDelta) -> StoredLink {
        let id = LinkId::from(Uuid::from_u128(id));
        let link = Link::next(None, id, customer_id(), purpose, World::NOW - age, &domain::LinkPolicy::default());
        StoredLink { link, code: code_of(id).1 }
    }

    fn all(age: TimeDelta) -> Vec<StoredLink> {
        LinkPurpose::ALL.into_iter().zip(1..).map(|(purpose, id)| stored(purpose, id, age)).collect()
    }

    fn world(latest: Vec<StoredLink>) -> World {
        let mut world = World::holding(unconfirmed());
        world.with_codes();
        world.links.expect_latest().returning(move |_| Ok(latest.clone()));
        world
    }

    fn code(id: u128) -> LinkCode {
        code_of(LinkId::from(Uuid::from_u128(id))).0
    }

    #[tokio::test]
    async fn fresh_links_are_handed_out_again_without_a_write() {
        let (_, links) =
            world(all(TimeDelta::minutes(5))).service().retrieve_customer(WRITER, customer_id()).await.unwrap();
        let links = links.unwrap();
        assert_eq!((links.billing_address, links.shipping_address, links.card), (code(1), code(2), code(3)));
    }

    #[tokio::test]
    async fn a_link_past_half_its_life_is_followed_by_a_new_one() {
        // Ten minutes are past half of the card link's fifteen, and not of the others' sixty.
        let mut world = world(all(TimeDelta::minutes(10)));
        world.links.expect_issue().once().returning(|new, _| {
            let [card] = new.as_slice() else { panic!("one new link") };
            assert_eq!((card.link.purpose, card.link.generation), (LinkPurpose::Card, 2));
            Ok(new)
        });
        let (_, links) = world.service().retrieve_customer(WRITER, customer_id()).await.unwrap();
        let links = links.unwrap();
        assert_eq!((links.billing_address, links.shipping_address), (code(1), code(2)));
        assert_ne!(links.card, code(3));
    }

    #[tokio::test]
    async fn a_link_made_under_another_secret_is_replaced() {
        let mut latest = all(TimeDelta::zero());
        latest[1].code = Digest([0; 32]);
        let mut world = world(latest);
        world.links.expect_issue().once().returning(|new, _| {
            assert_eq!(new.len(), 1);
            assert_eq!(new[0].link.purpose, LinkPurpose::ShippingAddress);
            Ok(new)
        });
        assert!(world.service().retrieve_customer(WRITER, customer_id()).await.is_ok());
    }

    #[tokio::test]
    async fn of_two_racing_requests_the_second_hands_out_the_firsts_links() {
        let mut world = world(Vec::new());
        world.links.expect_issue().once().returning(|_, _| Ok(all(TimeDelta::zero())));
        let (_, links) = world.service().retrieve_customer(WRITER, customer_id()).await.unwrap();
        assert_eq!(links.unwrap().card, code(3));
    }

    #[tokio::test]
    async fn links_that_another_secret_won_are_not_handed_out() {
        let mut world = world(Vec::new());
        world.links.expect_issue().once().returning(|mut new, _| {
            new[0].code = Digest([0; 32]);
            Ok(new)
        });
        let outcome = world.service().retrieve_customer(WRITER, customer_id()).await;
        assert_eq!(outcome, Err(Failure::Contended));
    }

    #[tokio::test]
    async fn links_that_cannot_be_read_or_stored_are_a_failure_of_the_store() {
        let error = StoreError::Unavailable("down".into());
        let mut unreadable = World::holding(unconfirmed());
        let failed = error.clone();
        unreadable.links.expect_latest().return_once(move |_| Err(failed));
        let mut unstored = world(Vec::new());
        let failed = error.clone();
        unstored.links.expect_issue().return_once(move |_, _| Err(failed));
        for world in [unreadable, unstored] {
            let outcome = world.service().retrieve_customer(WRITER, customer_id()).await;
            assert_eq!(outcome, Err(Failure::Store(error.clone())));
        }
    }

    #[tokio::test]
    async fn a_read_key_gets_the_customer_and_makes_no_links() {
        let service = World::holding(unconfirmed()).service();
        let outcome = service.retrieve_customer(READER, customer_id()).await;
        assert_eq!(outcome, Ok((unconfirmed(), None)));
    }

    #[tokio::test]
    async fn nobody_gets_links_to_a_stranger() {
        let mut world = World::new();
        world.customers.expect_find().returning(|_| Ok(None));
        let outcome = world.service().retrieve_customer(WRITER, customer_id()).await;
        assert_eq!(outcome, Err(Failure::CustomerNotFound));
    }
}
