//! What deliveries say of a customer goes with him.

use diesel::prelude::*;

use super::prune::remove;
use super::{BATCH, Connection};
use crate::failure::Failure;
use crate::schema::{deliveries, delivery_tries};
use crate::sql_types::{RowId, RowInstant};

/// Removes what is pending of these events, which are all of the customer's, so that nothing of his waits for it; and of
/// the other tries what was answered, which may repeat what was sent.
pub(in super::super) fn erase(connection: &mut Connection, events: &[RowId]) -> Result<(), Failure> {
    for events in events.chunks(BATCH) {
        let of_events: Vec<(RowId, Option<RowInstant>, Option<RowInstant>)> = deliveries::table
            .filter(deliveries::event_id.eq_any(events))
            .select((deliveries::id, deliveries::accepted_at, deliveries::failed_at))
            .load(connection)?;
        let (pending, ended): (Vec<_>, Vec<_>) =
            of_events.into_iter().partition(|(_, accepted_at, failed_at)| accepted_at.is_none() && failed_at.is_none());
        for pending in ids(pending).chunks(BATCH) {
            remove(connection, pending)?;
        }
        for ended in ids(ended).chunks(BATCH) {
            let tries = delivery_tries::table.filter(delivery_tries::delivery_id.eq_any(ended));
            diesel::update(tries).set(delivery_tries::answer.eq(None::<String>)).execute(connection)?;
        }
    }
    Ok(())
}

fn ids(rows: Vec<(RowId, Option<RowInstant>, Option<RowInstant>)>) -> Vec<RowId> {
    rows.into_iter().map(|(id, ..)| id).collect()
}
