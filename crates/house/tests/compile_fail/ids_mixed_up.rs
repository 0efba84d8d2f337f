//! One thing's id is not another's.

use domain::{CustomerId, EventId, LinkId};

fn event_for_customer(id: EventId) -> CustomerId {
    id
}

fn link_for_event(id: LinkId) -> EventId {
    id
}

fn main() {}
