//! Looking at deliveries, and at what may be delivered again.

use std::collections::HashMap;

use diesel::dsl::not;
use diesel::prelude::*;
use domain::{CustomerId, Delivery, DeliveryId, DeliveryStatus, DeliveryTry, EndpointId, EventId, Repeat, TimeDelta};
use ports::{DeliveryPage, DeliveryQuery, DeliveryStatusFilter, ReplayQuery, ReplayableEvent};
use uuid::Uuid;

use super::record::TryRow;
use super::{BATCH, Connection, Failure};
use crate::row::Row;
use crate::schema::{deliveries, delivery_tries, events, receivers, webhook_endpoints};
use crate::sql_types::{RowId, RowInstant};

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DeliveryRow {
    id: RowId,
    endpoint_id: RowId,
    event_id: RowId,
    customer_id: RowId,
    repeat: Option<String>,
    next_try_at: Option<RowInstant>,
    accepted_at: Option<RowInstant>,
    failed_at: Option<RowInstant>,
    created_at: RowInstant,
}

pub(super) fn list(connection: &mut Connection, query: &DeliveryQuery) -> Result<Option<DeliveryPage>, Failure> {
    let endpoint = RowId(query.endpoint_id.uuid());
    let is_there = webhook_endpoints::table.find(endpoint).filter(webhook_endpoints::deleted_at.is_null());
    if is_there.count().get_result::<i64>(connection)? == 0 {
        return Ok(query.after.is_none().then(DeliveryPage::default));
    }
    if let Some(after) = query.after
        && event_of(connection, query.endpoint_id, after)?.is_none()
    {
        return Ok(None);
    }
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut page = deliveries::table
        .inner_join(events::table.on(events::id.eq(deliveries::event_id)))
        .filter(deliveries::endpoint_id.eq(endpoint))
        .order(deliveries::id.desc())
        // One more than asked for tells whether there are more.
        .limit(i64::from(query.limit) + 1)
        .select((DeliveryRow::as_select(), events::kind))
        .into_boxed();
    if let Some(after) = query.after {
        page = page.filter(deliveries::id.lt(RowId(after.uuid())));
    }
    page = match query.status {
        None => page,
        Some(DeliveryStatusFilter::Pending) => {
            page.filter(deliveries::accepted_at.is_null()).filter(deliveries::failed_at.is_null())
        }
        Some(DeliveryStatusFilter::Accepted) => page.filter(deliveries::accepted_at.is_not_null()),
        Some(DeliveryStatusFilter::Failed) => {
            page.filter(deliveries::accepted_at.is_null()).filter(deliveries::failed_at.is_not_null())
        }
    };
    let mut rows: Vec<(DeliveryRow, String)> = page.load(connection)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Some(DeliveryPage { deliveries: with_tries(connection, rows)?, more }))
}

pub(super) fn find(
    connection: &mut Connection,
    endpoint: EndpointId,
    id: DeliveryId,
) -> Result<Option<Delivery>, Failure> {
    let row: Option<(DeliveryRow, String)> = deliveries::table
        .find(RowId(id.uuid()))
        .inner_join(events::table.on(events::id.eq(deliveries::event_id)))
        .filter(deliveries::endpoint_id.eq(RowId(endpoint.uuid())))
        .select((DeliveryRow::as_select(), events::kind))
        .first(connection)
        .optional()?;
    Ok(with_tries(connection, row.into_iter().collect())?.pop())
}

/// The event of one of an endpoint's deliveries, its customer and its position.
pub(super) fn event_of(
    connection: &mut Connection,
    endpoint: EndpointId,
    id: DeliveryId,
) -> Result<Option<(EventId, CustomerId, i64)>, Failure> {
    let row: Option<(RowId, RowId, i64)> = deliveries::table
        .inner_join(events::table.on(events::id.eq(deliveries::event_id)))
        .filter(deliveries::id.eq(RowId(id.uuid())))
        .filter(deliveries::endpoint_id.eq(RowId(endpoint.uuid())))
        .filter(not(events::erased))
        .select((deliveries::event_id, deliveries::customer_id, deliveries::position))
        .first(connection)
        .optional()?;
    Ok(row.map(|(event, customer, position)| (event.0.into(), customer.0.into(), position)))
}

pub(super) fn replayable(connection: &mut Connection, query: &ReplayQuery) -> Result<Vec<ReplayableEvent>, Failure> {
    let place: Option<i64> = receivers::table
        .find(RowId(query.endpoint_id.uuid()))
        .select(receivers::position)
        .first(connection)
        .optional()?;
    let Some(place) = place else { return Ok(Vec::new()) };
    let names = query.event_types.iter().map(|kind| kind.as_str());
    let rows: Vec<(RowId, RowId, Option<i64>)> = events::table
        .filter(events::position.gt(query.after))
        .filter(events::position.le(place))
        .filter(events::occurred_at.ge(RowInstant::from(query.since)))
        .filter(events::kind.eq_any(names))
        .filter(not(events::erased))
        .order(events::position)
        .limit(query.limit.into())
        .select((events::id, events::customer_id, events::position))
        .load(connection)?;
    let replayable = |(event, customer, position): (RowId, RowId, Option<i64>)| ReplayableEvent {
        event_id: event.0.into(),
        customer_id: customer.0.into(),
        position: position.unwrap_or_default(),
    };
    Ok(rows.into_iter().map(replayable).collect())
}

pub(super) fn of_customer(connection: &mut Connection, customer: CustomerId) -> Result<Vec<Delivery>, Failure> {
    let rows: Vec<(DeliveryRow, String)> = events::table
        .inner_join(deliveries::table.on(deliveries::event_id.eq(events::id)))
        .filter(events::customer_id.eq(RowId(customer.uuid())))
        .order(deliveries::id)
        .select((DeliveryRow::as_select(), events::kind))
        .load(connection)?;
    with_tries(connection, rows)
}

fn with_tries(connection: &mut Connection, rows: Vec<(DeliveryRow, String)>) -> Result<Vec<Delivery>, Failure> {
    let mut of_delivery: HashMap<Uuid, Vec<DeliveryTry>> = HashMap::new();
    for rows in rows.chunks(BATCH) {
        let tries: Vec<TryRow> = delivery_tries::table
            .filter(delivery_tries::delivery_id.eq_any(rows.iter().map(|(row, _)| row.id)))
            .order((delivery_tries::delivery_id, delivery_tries::number))
            .select(TryRow::as_select())
            .load(connection)?;
        for stored in tries {
            let delivery = stored.delivery_id.0;
            of_delivery.entry(delivery).or_default().push(stored.try_into()?);
        }
    }
    rows.into_iter()
        .map(|(row, kind)| {
            let tries = of_delivery.remove(&row.id.0).unwrap_or_default();
            row.into_delivery(kind, tries)
        })
        .collect()
}

impl DeliveryRow {
    fn into_delivery(self, event_type: String, tries: Vec<DeliveryTry>) -> Result<Delivery, Failure> {
        let row = Row::new("deliveries", self.id.0);
        let accepted_at = row.optional_time("accepted_at", self.accepted_at)?;
        let failed_at = row.optional_time("failed_at", self.failed_at)?;
        let next_try_at = row.optional_time("next_try_at", self.next_try_at)?;
        Ok(Delivery {
            id: self.id.0.into(),
            endpoint_id: self.endpoint_id.0.into(),
            event_id: self.event_id.0.into(),
            event_type,
            customer_id: self.customer_id.0.into(),
            status: match (accepted_at, failed_at) {
                (Some(at), _) => DeliveryStatus::Accepted { at },
                (None, Some(at)) => DeliveryStatus::Failed { at },
                (None, None) => DeliveryStatus::Pending { next_try_at },
            },
            repeat: row.optional("repeat", self.repeat, |repeat| Repeat::parse(&repeat))?,
            created_at: row.time("created_at", self.created_at)?,
            tries,
        })
    }
}

impl TryFrom<TryRow> for DeliveryTry {
    type Error = Failure;

    fn try_from(stored: TryRow) -> Result<Self, Failure> {
        let row = Row::new("delivery_tries", stored.delivery_id.0);
        let duration = TimeDelta::try_milliseconds(stored.duration_ms);
        Ok(Self {
            at: row.time("tried_at", stored.tried_at)?,
            duration: row.parsed("duration_ms", duration)?,
            status_code: row.optional("status_code", stored.status_code, |code| code.try_into().ok())?,
            answer: stored.answer,
            error: stored.error,
        })
    }
}
