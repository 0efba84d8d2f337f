//! Short-lived links to the pages on which a customer edits his own data.

use crate::{AddressPurpose, CustomerId, LinkId, LinkPolicy, Timestamp};

/// What a link lets its holder edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkPurpose {
    /// The billing address.
    BillingAddress,
    /// The shipping address.
    ShippingAddress,
    /// The card.
    Card,
}

impl LinkPurpose {
    /// Every purpose, in the order of the customer object's members.
    pub const ALL: [Self; 3] = [Self::BillingAddress, Self::ShippingAddress, Self::Card];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BillingAddress => "billing_address",
            Self::ShippingAddress => "shipping_address",
            Self::Card => "card",
        }
    }

    /// The address that it lets its holder edit, where it is one.
    pub const fn address(self) -> Option<AddressPurpose> {
        match self {
            Self::BillingAddress => Some(AddressPurpose::Billing),
            Self::ShippingAddress => Some(AddressPurpose::Shipping),
            Self::Card => None,
        }
    }

    fn ttl(self, policy: &LinkPolicy) -> chrono::TimeDelta {
        match self {
            Self::BillingAddress | Self::ShippingAddress => policy.ttl,
            Self::Card => policy.card_ttl,
        }
    }
}

/// A link. Its URL's code is derived from `id` outside; who knows the record alone cannot open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the code is derived from.
    pub id: LinkId,
    /// Whose data it opens.
    pub customer_id: CustomerId,
    /// Which data.
    pub purpose: LinkPurpose,
    /// Counts a customer's links of one purpose from 1. Two requests that race for the next link race for one number
    /// here, so both hand out the winner's.
    pub generation: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// Since when it opens nothing, where somebody ended it before its time.
    pub revoked_at: Option<Timestamp>,
    /// The card provider's id of the procedure that was begun with it: one link brings one card.
    pub card_setup: Option<String>,
}

impl Link {
    /// The link that follows `last`, or the first one.
    pub fn next(
        last: Option<&Self>,
        id: LinkId,
        customer_id: CustomerId,
        purpose: LinkPurpose,
        now: Timestamp,
        policy: &LinkPolicy,
    ) -> Self {
        Self {
            id,
            customer_id,
            purpose,
            generation: last.map_or(1, |last| last.generation + 1),
            created_at: now,
            expires_at: now + purpose.ttl(policy),
            revoked_at: None,
            card_setup: None,
        }
    }

    /// Whether it opens its page.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Whether it is handed out again: live, with more than half its life left.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.is_live(now) && (self.expires_at - now) * 2 > self.expires_at - self.created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use uuid::Uuid;

    #[test]
    fn a_link_is_handed_out_again_until_half_its_life_is_gone() {
        let policy = LinkPolicy::default();
        let now = Timestamp::UNIX_EPOCH;
        let customer = CustomerId::from(Uuid::nil());
        let first = Link::next(None, LinkId::from(Uuid::nil()), customer, LinkPurpose::Card, now, &policy);
        assert_eq!(first.generation, 1);
        assert!(first.is_fresh(now + TimeDelta::seconds(449)));
        assert!(!first.is_fresh(now + TimeDelta::seconds(450)));
        assert!(first.is_live(now + TimeDelta::seconds(899)));
        assert!(!first.is_live(now + TimeDelta::seconds(900)));
        let second = Link::next(Some(&first), first.id, customer, first.purpose, now, &policy);
        assert_eq!(second.generation, 2);
    }

    #[test]
    fn a_revoked_link_is_dead_before_its_time() {
        let now = Timestamp::UNIX_EPOCH;
        let (id, customer) = (LinkId::from(Uuid::nil()), CustomerId::from(Uuid::nil()));
        let link = Link::next(None, id, customer, LinkPurpose::BillingAddress, now, &LinkPolicy::default());
        assert!(link.is_live(now));
        assert!(!Link { revoked_at: Some(now), ..link }.is_live(now));
    }
}
