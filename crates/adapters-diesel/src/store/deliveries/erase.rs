//! What deliveries say of a customer goes with him.

use diesel::prelude::*;

use super::Connection;
use super::prune::remove;
use crate::failure::Failure;
use crate::schema::{deliveries, delivery_tries};
use crate::sql_types::RowId;

/// How many ids one statement names.
const BATCH: usize = 500;

/// Removes what is pending of these events, which are all of the customer's, so that nothing of his waits for it; and of
/// the other tries what was answered, which may repeat what was sent.
pub(in super::super) fn erase(connection: &mut Connection, customer: RowId, events: &[RowId]) -> Result<(), Failure> {
    let pending: Vec<RowId> = deliveries::table
        .filter(deliveries::customer_id.eq(customer))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .select(deliveries::id)
        .load(connection)?;
    for ids in pending.chunks(BATCH) {
        remove(connection, ids)?;
    }
    for events in events.chunks(BATCH) {
        let ended: Vec<RowId> =
            deliveries::table.filter(deliveries::event_id.eq_any(events)).select(deliveries::id).load(connection)?;
        for ids in ended.chunks(BATCH) {
            let tries = delivery_tries::table.filter(delivery_tries::delivery_id.eq_any(ids));
            diesel::update(tries).set(delivery_tries::answer.eq(None::<String>)).execute(connection)?;
        }
    }
    Ok(())
}
