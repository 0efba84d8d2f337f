//! Open a link to one of the customer's own pages.

use domain::Link;
use ports::LinkCode;

use crate::{Failure, Service};

/// What a code opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing: it is no link's.
    Unknown,
    /// Nothing any more: the link expired or was revoked.
    Gone,
    /// The link's page.
    Live(Link),
}

impl Service {
    /// What `code` opens. Opening changes nothing: chat programs open links to preview them.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_link(&self, code: &str) -> Result<LinkState, Failure> {
        let Some(code) = LinkCode::parse(code) else { return Ok(LinkState::Unknown) };
        let digest = self.ports.secrets.digest(code.expose());
        Ok(match self.ports.links.find_by_code(&digest).await? {
            None => LinkState::Unknown,
            Some(link) if link.is_live(self.ports.clock.now()) => LinkState::Live(link),
            Some(_) => LinkState::Gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, customer_id};
    use chrono::TimeDelta;
    use domain::{LinkId, LinkPolicy, LinkPurpose};
    use ports::StoreError;
    use uuid::Uuid;

    fn link(age: TimeDelta) -> Link {
        let id = LinkId::from(Uuid::from_u128(1));
        Link::next(None, id, customer_id(), LinkPurpose::Card, World::NOW - age, &LinkPolicy::default())
    }

    async fn opened(stored: Option<Link>) -> LinkState {
        let mut world = World::new();
        world.with_codes();
        world.links.expect_find_by_code().return_once(move |_| Ok(stored));
        world.service().open_link("abcdefGHIJ12").await.unwrap()
    }

    #[tokio::test]
    async fn live_expired_revoked_and_unknown_links_are_told_apart() {
        let live = link(TimeDelta::minutes(14));
        assert_eq!(opened(Some(live.clone())).await, LinkState::Live(live));
        assert_eq!(opened(Some(link(TimeDelta::minutes(15)))).await, LinkState::Gone);
        let revoked = Link { revoked_at: Some(World::NOW), ..link(TimeDelta::zero()) };
        assert_eq!(opened(Some(revoked)).await, LinkState::Gone);
        assert_eq!(opened(None).await, LinkState::Unknown);
    }

    #[tokio::test]
    async fn a_store_that_fails_is_no_unknown_link() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::new();
        world.with_codes();
        let failed = error.clone();
        world.links.expect_find_by_code().return_once(move |_| Err(failed));
        assert_eq!(world.service().open_link("abcdefGHIJ12").await, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn what_cannot_be_a_code_is_not_looked_up() {
        let service = World::new().service();
        for text in ["", "short", "abcdefGHIJ123", "abcdefGHIJ1é", "abcdefGHIJ1-"] {
            assert_eq!(service.open_link(text).await, Ok(LinkState::Unknown), "{text}");
        }
    }
}
