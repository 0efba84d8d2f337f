//! Removing what is old, in small pieces.

use std::collections::BTreeMap;

use diesel::dsl::min;
use diesel::prelude::*;
use domain::{EndpointId, Timestamp};
use uuid::Uuid;

use super::queue::free_heads;
use super::{Connection, Failure};
use crate::schema::{deliveries, delivery_tries, event_numbering, events, receivers, webhook_endpoints};
use crate::sql_types::{RowId, RowInstant};

/// A piece of the log.
pub(super) struct Window {
    /// Those of its events that are old enough, with their places.
    pub(super) old: Vec<(RowId, i64)>,
    /// Where the next piece begins, unless all that follow are young.
    pub(super) next: Option<i64>,
}

pub(super) fn window(
    connection: &mut Connection,
    before: Timestamp,
    after: i64,
    limit: u32,
) -> Result<Window, Failure> {
    let rows: Vec<(RowId, Option<i64>, RowInstant)> = events::table
        .filter(events::position.gt(after))
        .order(events::position)
        .limit(limit.into())
        .select((events::id, events::position, events::occurred_at))
        .load(connection)?;
    let is_old = |at: RowInstant| at.0.is_some_and(|at| at < before);
    let next = rows.last().filter(|(.., at)| is_old(*at)).and_then(|(_, position, _)| *position);
    let old = rows.into_iter().filter(|(.., at)| is_old(*at)).filter_map(|(id, position, _)| Some((id, position?)));
    Ok(Window { old: old.collect(), next })
}

/// Removes those of the events that no receiver waits for. A customer's next delivery that waited for one of theirs is
/// due from `before` on.
pub(super) fn events(
    connection: &mut Connection,
    awaited_by: &[RowId],
    old: &[(RowId, i64)],
    before: Timestamp,
) -> Result<(), Failure> {
    let passed: Option<i64> =
        receivers::table.filter(receivers::id.eq_any(awaited_by)).select(min(receivers::position)).first(connection)?;
    // The last event stays: readers who have seen all begin after it.
    let last: i64 = event_numbering::table.find(1_i16).select(event_numbering::last_position).first(connection)?;
    let passed = passed.unwrap_or(i64::MAX).min(last - 1);
    let ids: Vec<RowId> = old.iter().filter(|(_, position)| *position <= passed).map(|(id, _)| *id).collect();
    let pending: Vec<RowId> = deliveries::table
        .filter(deliveries::event_id.eq_any(&ids))
        .filter(deliveries::endpoint_id.eq_any(awaited_by))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .select(deliveries::event_id)
        .load(connection)?;
    let ids: Vec<RowId> = ids.into_iter().filter(|id| !pending.contains(id)).collect();
    let of_events = || deliveries::table.filter(deliveries::event_id.eq_any(&ids));
    // Of endpoints that are not waited for, so that there are few.
    let waited_for: Vec<(RowId, RowId)> = of_events()
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .filter(deliveries::repeat.is_null())
        .select((deliveries::endpoint_id, deliveries::customer_id))
        .load(connection)?;
    let of_events: Vec<RowId> = of_events().select(deliveries::id).load(connection)?;
    remove(connection, &of_events)?;
    diesel::delete(events::table.filter(events::id.eq_any(&ids))).execute(connection)?;

    let mut customers: BTreeMap<Uuid, Vec<RowId>> = BTreeMap::new();
    for (endpoint, customer) in waited_for {
        customers.entry(endpoint.0).or_default().push(customer);
    }
    for (endpoint, customers) in customers {
        free_heads(connection, EndpointId::from(endpoint), &customers, before)?;
    }
    Ok(())
}

/// An endpoint that was deleted and has left something.
pub(super) fn deleted_endpoint(connection: &mut Connection) -> Result<Option<RowId>, Failure> {
    let deleted = webhook_endpoints::table.filter(webhook_endpoints::deleted_at.is_not_null());
    Ok(deleted.select(webhook_endpoints::id).first(connection).optional()?)
}

/// Removes some of what a deleted endpoint has left; itself, when nothing else is there.
pub(super) fn deleted(connection: &mut Connection, endpoint: RowId, limit: u32) -> Result<(), Failure> {
    let its: Vec<RowId> = deliveries::table
        .filter(deliveries::endpoint_id.eq(endpoint))
        .order(deliveries::id)
        .limit(limit.into())
        .select(deliveries::id)
        .load(connection)?;
    if its.is_empty() {
        diesel::delete(webhook_endpoints::table.find(endpoint)).execute(connection)?;
    }
    remove(connection, &its)
}

pub(super) fn remove(connection: &mut Connection, ids: &[RowId]) -> Result<(), Failure> {
    diesel::delete(delivery_tries::table.filter(delivery_tries::delivery_id.eq_any(ids))).execute(connection)?;
    diesel::delete(deliveries::table.filter(deliveries::id.eq_any(ids))).execute(connection)?;
    Ok(())
}
