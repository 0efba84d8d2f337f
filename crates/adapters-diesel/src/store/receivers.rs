//! Receivers: their place in the log of events, and the leases of those who work for them.

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Nullable;
use domain::{EventId, Timestamp};
use ports::{Lease, LeaseError, LeaseHolder, ReceiverId, ReceiverRepository, StoreError, StoredEvent};

use super::events::{StoredRow, number_all};
use super::{Connection, Failure, LEASE_END, NOW, Store, lock_customers, write};
use crate::schema::{customers, event_numbering, events, receivers};
use crate::sql_types::{Instant, RowId, RowInstant};

#[async_trait]
impl ReceiverRepository for Store {
    async fn register(&self, receiver: ReceiverId) -> Result<(), StoreError> {
        let known = move |connection: &mut Connection| {
            let found: i64 = receivers::table.find(RowId(receiver.0)).count().get_result(connection)?;
            Ok(found > 0)
        };
        if self.readers.run(known).await? {
            return Ok(());
        }
        self.writers
            .run(move |connection| {
                number_all(connection)?;
                write(connection, |connection| insert(connection, receiver))
            })
            .await
    }

    async fn take_leases(
        &self,
        holder: LeaseHolder,
        mut receivers: Vec<ReceiverId>,
    ) -> Result<Vec<ReceiverId>, StoreError> {
        // Everybody takes them in one order, so that none waits for another who waits for him.
        receivers.sort_unstable();
        let ids: Vec<RowId> = receivers.into_iter().map(|receiver| RowId(receiver.0)).collect();
        let free = self.readers.run(move |connection| free_leases(connection, holder, &ids)).await?;
        if free.is_empty() {
            return Ok(Vec::new());
        }
        self.writers.run(move |connection| write(connection, |connection| take_leases(connection, holder, &free))).await
    }

    async fn release_leases(&self, holder: LeaseHolder) -> Result<(), StoreError> {
        self.writers
            .run(move |connection| {
                write(connection, |connection| {
                    let held = receivers::table.filter(receivers::lease_holder.eq(RowId(holder.0)));
                    let nobody =
                        (receivers::lease_holder.eq(None::<RowId>), receivers::lease_ends_at.eq(None::<RowInstant>));
                    diesel::update(held).set(nobody).execute(connection)?;
                    Ok(())
                })
            })
            .await
    }

    async fn arrivals(&self, receiver: ReceiverId, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.numbered(move |connection| arrivals(connection, receiver, limit)).await
    }

    async fn advance(
        &self,
        lease: Lease,
        position: i64,
        accepted: Vec<EventId>,
        now: Timestamp,
    ) -> Result<(), LeaseError> {
        self.as_holder(lease, Some(position), move |connection| mark_sent(connection, &accepted, now)).await
    }
}

impl Store {
    /// Does `work` in one transaction with a move of the receiver's place, if its lease is held.
    pub(super) async fn as_holder(
        &self,
        lease: Lease,
        position: Option<i64>,
        mut work: impl FnMut(&mut Connection) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(), LeaseError> {
        let is_held = self.delivery_writers.run(move |connection| {
            write(connection, |connection| {
                let is_held = hold(connection, lease, position)?;
                if is_held {
                    work(connection)?;
                }
                Ok(is_held)
            })
        });
        if is_held.await? { Ok(()) } else { Err(LeaseError::Lost) }
    }
}

/// Locks the receiver's row, so that nobody takes the lease before the transaction ends. Whether it is held is a matter
/// of who holds it, not of time: one that has run out is as good as held while nobody else has taken it.
fn hold(connection: &mut Connection, lease: Lease, position: Option<i64>) -> Result<bool, Failure> {
    let held = receivers::table.find(RowId(lease.receiver.0)).filter(receivers::lease_holder.eq(RowId(lease.holder.0)));
    let rows = match position {
        Some(position) => diesel::update(held).set(receivers::position.eq(position)).execute(connection)?,
        None => diesel::update(held).set(receivers::position.eq(receivers::position)).execute(connection)?,
    };
    Ok(rows == 1)
}

/// Keeps those who work for a receiver from storing anything before the transaction ends. They take this lock first, so
/// who locks the endpoint or its deliveries too takes it before those.
pub(super) fn lock(connection: &mut Connection, receiver: ReceiverId) -> Result<(), Failure> {
    let row = receivers::table.find(RowId(receiver.0));
    diesel::update(row).set(receivers::position.eq(receivers::position)).execute(connection)?;
    Ok(())
}

/// Makes a receiver known at the end of the log, of which all that is committed has been numbered just now.
pub(super) fn insert(connection: &mut Connection, receiver: ReceiverId) -> Result<(), Failure> {
    let end: i64 = event_numbering::table.find(1_i16).select(event_numbering::last_position).first(connection)?;
    diesel::insert_into(receivers::table)
        .values((receivers::id.eq(RowId(receiver.0)), receivers::position.eq(end)))
        .on_conflict(receivers::id)
        .do_nothing()
        .execute(connection)?;
    Ok(())
}

fn free_leases(connection: &mut Connection, holder: LeaseHolder, ids: &[RowId]) -> Result<Vec<RowId>, Failure> {
    let is_free = receivers::lease_holder.eq(RowId(holder.0)).assume_not_null();
    let is_over = receivers::lease_ends_at.lt(sql::<Nullable<Instant>>(NOW)).assume_not_null();
    let free = receivers::lease_holder.is_null().or(is_free).or(is_over);
    Ok(receivers::table
        .filter(receivers::id.eq_any(ids))
        .filter(free)
        .order(receivers::id)
        .select(receivers::id)
        .load(connection)?)
}

fn take_leases(connection: &mut Connection, holder: LeaseHolder, ids: &[RowId]) -> Result<Vec<ReceiverId>, Failure> {
    let mut taken = Vec::new();
    for id in ids {
        let is_mine = receivers::lease_holder.eq(RowId(holder.0)).assume_not_null();
        let is_over = receivers::lease_ends_at.lt(sql::<Nullable<Instant>>(NOW)).assume_not_null();
        let free = receivers::lease_holder.is_null().or(is_mine).or(is_over);
        let lease = (
            receivers::lease_holder.eq(RowId(holder.0)),
            receivers::lease_ends_at.eq(sql::<Nullable<Instant>>(LEASE_END)),
        );
        if diesel::update(receivers::table.find(id).filter(free)).set(lease).execute(connection)? == 1 {
            taken.push(ReceiverId(id.0));
        }
    }
    Ok(taken)
}

fn arrivals(connection: &mut Connection, receiver: ReceiverId, limit: u32) -> Result<Vec<StoredEvent>, Failure> {
    let place: Option<i64> =
        receivers::table.find(RowId(receiver.0)).select(receivers::position).first(connection).optional()?;
    let Some(place) = place else { return Ok(Vec::new()) };
    let rows: Vec<StoredRow> = events::table
        .filter(events::position.gt(place))
        .order(events::position)
        .limit(limit.into())
        .select(StoredRow::as_select())
        .load(connection)?;
    rows.into_iter().map(StoredEvent::try_from).collect()
}

/// Notes when the tokens that these events carry were sent, of customers who have no other token by now. Bookkeeping: no
/// version moves. The token is compared within the row, so that one which is made at the same moment is never marked.
pub(super) fn mark_sent(connection: &mut Connection, accepted: &[EventId], now: Timestamp) -> Result<(), Failure> {
    if accepted.is_empty() {
        return Ok(());
    }
    let ids: Vec<RowId> = accepted.iter().map(|id| RowId(id.uuid())).collect();
    let carriers = events::table.filter(events::id.eq_any(&ids)).filter(events::confirmation_token.is_not_null());
    let carries_his = carriers
        .filter(events::customer_id.eq(customers::id))
        .filter(events::confirmation_token.eq(customers::confirmation_token))
        .filter(events::token_generated_at.eq(customers::token_generated_at));
    let whose: Vec<RowId> = events::table
        .filter(events::id.eq_any(&ids))
        .filter(events::confirmation_token.is_not_null())
        .inner_join(customers::table.on(customers::id.eq(events::customer_id)))
        .filter(customers::confirmation_sent_at.is_null())
        .order(customers::id)
        .select(customers::id)
        .load(connection)?;
    if whose.is_empty() {
        return Ok(());
    }
    lock_customers(connection, &whose)?;
    let unmarked = customers::table
        .filter(customers::id.eq_any(whose))
        .filter(customers::confirmation_sent_at.is_null())
        .filter(exists(carries_his));
    diesel::update(unmarked).set(customers::confirmation_sent_at.eq(RowInstant::from(now))).execute(connection)?;
    Ok(())
}
