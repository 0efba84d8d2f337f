//! The queue: what waits, in the order of each customer's events.

use diesel::dsl::exists;
use diesel::prelude::*;
use domain::{DeliveryId, EndpointId, Repeat, Timestamp};
use ports::{DueDeliveries, DueDelivery, NewDelivery, StoredEvent};

use super::super::events::StoredRow;
use super::{BATCH, Connection, Failure, first_pending};
use crate::row::Row;
use crate::schema::{customers, deliveries, events, webhook_endpoints};
use crate::sql_types::{RowId, RowInstant};

#[derive(Insertable)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false)]
struct NewRow {
    id: RowId,
    endpoint_id: RowId,
    event_id: RowId,
    customer_id: RowId,
    position: i64,
    repeat: Option<String>,
    tries: i64,
    next_try_at: Option<RowInstant>,
    created_at: RowInstant,
}

/// What is known of a due delivery's customer: of nobody, where he is gone.
#[derive(Queryable, Selectable)]
#[diesel(table_name = customers)]
struct HolderRow {
    confirmation_token: Option<String>,
    token_generated_at: Option<RowInstant>,
    token_wrong_tries: i64,
    confirmed_at: Option<RowInstant>,
    change_requested_at: Option<RowInstant>,
}

type DueRow = (RowId, i64, Option<String>, Option<String>, StoredRow, Option<HolderRow>);

pub(super) fn enqueue(
    connection: &mut Connection,
    endpoint: EndpointId,
    new: &[NewDelivery],
    now: Timestamp,
) -> Result<(), Failure> {
    insert(connection, endpoint, new, None, now)?;
    let customers: Vec<RowId> = new.iter().map(|delivery| RowId(delivery.customer_id.uuid())).collect();
    free_heads(connection, endpoint, &customers, now)
}

/// Queues deliveries: repeats are due, others wait until they are the first of their customer's.
pub(super) fn insert(
    connection: &mut Connection,
    endpoint: EndpointId,
    new: &[NewDelivery],
    repeat: Option<Repeat>,
    now: Timestamp,
) -> Result<(), Failure> {
    new.chunks(BATCH).try_for_each(|new| insert_batch(connection, endpoint, new, repeat, now))
}

fn insert_batch(
    connection: &mut Connection,
    endpoint: EndpointId,
    new: &[NewDelivery],
    repeat: Option<Repeat>,
    now: Timestamp,
) -> Result<(), Failure> {
    let row = |delivery: &NewDelivery| NewRow {
        id: RowId(delivery.id.uuid()),
        endpoint_id: RowId(endpoint.uuid()),
        event_id: RowId(delivery.event_id.uuid()),
        customer_id: RowId(delivery.customer_id.uuid()),
        position: delivery.position,
        repeat: repeat.map(|repeat| repeat.as_str().to_owned()),
        tries: 0,
        next_try_at: repeat.map(|_| now.into()),
        created_at: now.into(),
    };
    // An event that was erased since it was read goes to nobody.
    let ids: Vec<RowId> = new.iter().map(|delivery| RowId(delivery.event_id.uuid())).collect();
    let erased: Vec<RowId> =
        events::table.filter(events::id.eq_any(ids)).filter(events::erased).select(events::id).load(connection)?;
    let is_erased = |delivery: &&NewDelivery| erased.contains(&RowId(delivery.event_id.uuid()));
    let rows: Vec<NewRow> = new.iter().filter(|delivery| !is_erased(delivery)).map(row).collect();
    diesel::insert_into(deliveries::table).values(&rows).execute(connection)?;
    Ok(())
}

/// Makes the first pending delivery of each of these customers due at once, unless it is.
pub(super) fn free_heads(
    connection: &mut Connection,
    endpoint: EndpointId,
    customers: &[RowId],
    now: Timestamp,
) -> Result<(), Failure> {
    let now = RowInstant::from(now);
    let heads = first_pending(connection, RowId(endpoint.uuid()), customers)?;
    if heads.is_empty() {
        return Ok(());
    }
    let waiting = deliveries::table
        .filter(deliveries::id.eq_any(heads))
        .filter(deliveries::next_try_at.is_null().or(deliveries::next_try_at.gt(now).assume_not_null()));
    diesel::update(waiting).set(deliveries::next_try_at.eq(now)).execute(connection)?;
    Ok(())
}

/// Whether the endpoint is there; then it is until the transaction ends, so that what is queued for it is removed with
/// it.
pub(super) fn keep(connection: &mut Connection, endpoint: EndpointId) -> Result<bool, Failure> {
    let there = webhook_endpoints::table.find(RowId(endpoint.uuid())).filter(webhook_endpoints::deleted_at.is_null());
    let rows = diesel::update(there)
        .set(webhook_endpoints::updated_at.eq(webhook_endpoints::updated_at))
        .execute(connection)?;
    Ok(rows == 1)
}

pub(super) fn due(
    connection: &mut Connection,
    endpoint: EndpointId,
    now: Timestamp,
    limit: u32,
) -> Result<DueDeliveries, Failure> {
    let (endpoint, now) = (RowId(endpoint.uuid()), RowInstant::from(now));
    let is_there = || exists(webhook_endpoints::table.find(endpoint).filter(webhook_endpoints::deleted_at.is_null()));
    // First which, then all about them: with a long backlog PostgreSQL would join and sort all of it.
    let first: Vec<RowId> = deliveries::table
        .filter(deliveries::endpoint_id.eq(endpoint))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .filter(deliveries::next_try_at.is_not_null())
        .filter(deliveries::next_try_at.le(now))
        .filter(is_there())
        .order((deliveries::next_try_at, deliveries::position))
        .limit(limit.into())
        .select(deliveries::id)
        .load(connection)?;
    let rows = if first.is_empty() { Vec::new() } else { load(connection, &first)? };
    let next: Option<Option<RowInstant>> = deliveries::table
        .filter(deliveries::endpoint_id.eq(endpoint))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .filter(deliveries::next_try_at.is_not_null())
        .filter(deliveries::next_try_at.gt(now))
        .filter(is_there())
        .order(deliveries::next_try_at)
        .select(deliveries::next_try_at)
        .first(connection)
        .optional()?;
    Ok(DueDeliveries {
        deliveries: rows.into_iter().map(due_delivery).collect::<Result<_, _>>()?,
        next_at: next.flatten().and_then(|next| next.0),
    })
}

fn load(connection: &mut Connection, ids: &[RowId]) -> Result<Vec<DueRow>, Failure> {
    Ok(deliveries::table
        .inner_join(events::table.on(events::id.eq(deliveries::event_id)))
        .left_join(customers::table.on(customers::id.eq(deliveries::customer_id)))
        .filter(deliveries::id.eq_any(ids))
        .order((deliveries::next_try_at, deliveries::position))
        .select((
            deliveries::id,
            deliveries::tries,
            deliveries::repeat,
            events::confirmation_token,
            StoredRow::as_select(),
            Option::<HolderRow>::as_select(),
        ))
        .load(connection)?)
}

fn due_delivery((id, tries, repeat, token, event, holder): DueRow) -> Result<DueDelivery, Failure> {
    let row = Row::new("deliveries", id.0);
    let event = StoredEvent::try_from(event)?;
    let current = holder.filter(|holder| {
        let generated_at = holder.token_generated_at.and_then(|at| at.0);
        let is_same = holder.confirmation_token == token && generated_at == event.token_generated_at;
        is_same && (holder.confirmed_at.is_none() || holder.change_requested_at.is_some())
    });
    let wrong_tries = current.as_ref().map(|holder| holder.token_wrong_tries.try_into().ok());
    Ok(DueDelivery {
        id: DeliveryId::from(id.0),
        tries: row.parsed("tries", tries.try_into().ok())?,
        repeat: row.optional("repeat", repeat, |repeat| Repeat::parse(&repeat))?,
        is_superseded: token.is_some() && current.is_none(),
        wrong_tries: wrong_tries.flatten().unwrap_or_default(),
        event,
    })
}
