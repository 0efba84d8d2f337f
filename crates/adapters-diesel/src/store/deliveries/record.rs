//! Recording tries and what follows from them.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::{AfterTry, DeliveryTry, EndpointId, EventId, Timestamp};
use ports::RecordedTry;

use super::super::receivers::mark_sent;
use super::queue::free_heads;
use super::{Connection, Failure};
use crate::schema::{deliveries, delivery_tries, webhook_endpoints};
use crate::sql_types::{RowId, RowInstant};

/// A try's row.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = delivery_tries, treat_none_as_default_value = false)]
pub(super) struct TryRow {
    pub(super) delivery_id: RowId,
    number: i64,
    pub(super) tried_at: RowInstant,
    pub(super) duration_ms: i64,
    pub(super) status_code: Option<i64>,
    pub(super) answer: Option<String>,
    pub(super) error: Option<String>,
}

pub(super) fn record(
    connection: &mut Connection,
    endpoint: EndpointId,
    tries: &[RecordedTry],
    now: Timestamp,
) -> Result<(), Failure> {
    if tries.is_empty() {
        return Ok(());
    }
    // Those that went with their customer while they were under way leave nothing.
    let ids: Vec<RowId> = tries.iter().map(|one| RowId(one.delivery.uuid())).collect();
    let there: Vec<RowId> =
        deliveries::table.filter(deliveries::id.eq_any(&ids)).select(deliveries::id).load(connection)?;
    let tries: Vec<&RecordedTry> = tries.iter().filter(|one| there.contains(&RowId(one.delivery.uuid()))).collect();
    let rows: Vec<TryRow> = tries.iter().copied().map(TryRow::of).collect();
    // They are there already where the answer to the commit was lost, so that they are recorded once more.
    diesel::insert_into(delivery_tries::table).values(&rows).on_conflict_do_nothing().execute(connection)?;

    let mut accepted = Vec::new();
    let mut given_up = Vec::new();
    let mut retried = Vec::new();
    for one in &tries {
        match one.then {
            AfterTry::Accepted => accepted.push(*one),
            AfterTry::GiveUp => given_up.push(*one),
            AfterTry::Retry { at } => retried.push((*one, at)),
        }
    }
    let at = RowInstant::from(now);
    end(connection, &accepted, true, at)?;
    end(connection, &given_up, false, at)?;
    retry(connection, endpoint, &retried, now)?;

    let sent: Vec<EventId> = accepted.iter().map(|one| one.event).collect();
    mark_sent(connection, &sent, now)?;
    let ended = accepted.iter().chain(&given_up).filter(|one| one.repeat.is_none());
    let customers: Vec<RowId> = ended.map(|one| RowId(one.customer_id.uuid())).collect();
    free_heads(connection, endpoint, &customers, now)?;
    note_health(connection, endpoint, !accepted.is_empty(), at)
}

/// Notes when these deliveries ended, and how.
fn end(connection: &mut Connection, ended: &[&RecordedTry], is_accepted: bool, at: RowInstant) -> Result<(), Failure> {
    let (accepted_at, failed_at) = if is_accepted { (Some(at), None) } else { (None, Some(at)) };
    // Most of them ended at their first try.
    let mut by_number: HashMap<u32, Vec<RowId>> = HashMap::new();
    for one in ended {
        by_number.entry(one.number).or_default().push(RowId(one.delivery.uuid()));
    }
    for (number, ids) in by_number {
        diesel::update(deliveries::table.filter(deliveries::id.eq_any(ids)))
            .set((
                deliveries::accepted_at.eq(accepted_at),
                deliveries::failed_at.eq(failed_at),
                deliveries::next_try_at.eq(None::<RowInstant>),
                deliveries::tries.eq(i64::from(number)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

fn retry(
    connection: &mut Connection,
    endpoint: EndpointId,
    retried: &[(&RecordedTry, Timestamp)],
    now: Timestamp,
) -> Result<(), Failure> {
    for (one, at) in retried {
        // A new event of the customer that came during the try makes this one due at once, as it would have before.
        let at = if one.repeat.is_none() && has_news(connection, endpoint, one)? { now } else { *at };
        diesel::update(deliveries::table.find(RowId(one.delivery.uuid())))
            .set((deliveries::next_try_at.eq(RowInstant::from(at)), deliveries::tries.eq(i64::from(one.number))))
            .execute(connection)?;
    }
    Ok(())
}

/// Whether a later event of the customer was queued since the try began.
fn has_news(connection: &mut Connection, endpoint: EndpointId, one: &RecordedTry) -> Result<bool, Failure> {
    // Of all endpoints: they are few, and there is one index for it.
    let behind: Vec<RowId> = deliveries::table
        .filter(deliveries::customer_id.eq(RowId(one.customer_id.uuid())))
        .filter(deliveries::accepted_at.is_null().and(deliveries::failed_at.is_null()))
        .filter(deliveries::repeat.is_null())
        .filter(deliveries::position.gt(one.position))
        .filter(deliveries::created_at.ge(RowInstant::from(one.tried.at)))
        .select(deliveries::endpoint_id)
        .load(connection)?;
    Ok(behind.contains(&RowId(endpoint.uuid())))
}

/// An accepted try ends a time of failing; where there is none, it has begun.
fn note_health(
    connection: &mut Connection,
    endpoint: EndpointId,
    is_well: bool,
    now: RowInstant,
) -> Result<(), Failure> {
    let this = webhook_endpoints::table.find(RowId(endpoint.uuid()));
    if is_well {
        let failing = this.filter(webhook_endpoints::failing_since.is_not_null());
        diesel::update(failing).set(webhook_endpoints::failing_since.eq(None::<RowInstant>)).execute(connection)?;
    } else {
        let well = this.filter(webhook_endpoints::failing_since.is_null());
        diesel::update(well).set(webhook_endpoints::failing_since.eq(now)).execute(connection)?;
    }
    Ok(())
}

impl TryRow {
    fn of(one: &RecordedTry) -> Self {
        let DeliveryTry { at, duration, status_code, answer, error } = &one.tried;
        Self {
            delivery_id: RowId(one.delivery.uuid()),
            number: one.number.into(),
            tried_at: (*at).into(),
            duration_ms: duration.num_milliseconds(),
            status_code: status_code.map(i64::from),
            answer: answer.clone(),
            error: error.clone(),
        }
    }
}
