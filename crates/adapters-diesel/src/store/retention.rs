//! What has had its time: found for those who decide about it, or removed.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{CustomerId, Timestamp};
use ports::{RetentionRepository, StoreError};

use super::{Connection, Failure, Store, scrub, write};
use crate::row::Row;
use crate::schema::{customers, erased_customers, idempotency_records, number_memories};
use crate::sql_types::{RowId, RowInstant};

#[async_trait]
impl RetentionRepository for Store {
    async fn waiting_for_number_since(&self, before: Timestamp, limit: u32) -> Result<Vec<CustomerId>, StoreError> {
        self.readers
            .run(move |connection| {
                let ids: Vec<RowId> = customers::table
                    .filter(customers::change_requested_at.lt(RowInstant::from(before)))
                    .order(customers::change_requested_at)
                    .limit(limit.into())
                    .select(customers::id)
                    .load(connection)?;
                Ok(customer_ids(ids))
            })
            .await
    }

    async fn unconfirmed_since(&self, before: Timestamp, limit: u32) -> Result<Vec<CustomerId>, StoreError> {
        self.readers
            .run(move |connection| {
                let ids: Vec<RowId> = customers::table
                    .filter(customers::phone_number.is_null())
                    .filter(customers::created_at.lt(RowInstant::from(before)))
                    .order(customers::created_at)
                    .limit(limit.into())
                    .select(customers::id)
                    .load(connection)?;
                Ok(customer_ids(ids))
            })
            .await
    }

    async fn prune_outlived(&self, before: Timestamp, now: Timestamp, limit: u32) -> Result<bool, StoreError> {
        let look = move |connection: &mut Connection| outlived(connection, before, now, limit);
        // Mostly there is nothing: no write lock is taken to find that out.
        let (records, memories) = self.readers.run(look).await?;
        if records.is_empty() && memories.is_empty() {
            return Ok(false);
        }
        let full = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() >= full || memories.len() >= full;
        let remove = move |connection: &mut Connection| {
            // One that was stored anew meanwhile stays.
            let old = idempotency_records::table
                .filter(idempotency_records::id.eq_any(&records))
                .filter(idempotency_records::created_at.lt(RowInstant::from(before)));
            diesel::delete(old).execute(connection)?;
            let forgotten = number_memories::table
                .filter(number_memories::number.eq_any(&memories))
                .filter(number_memories::forgotten_at.le(RowInstant::from(now)));
            diesel::delete(forgotten).execute(connection)?;
            Ok(more)
        };
        self.writers.run(move |connection| write(connection, &remove)).await
    }

    async fn erased_customers(
        &self,
        after: Option<CustomerId>,
        limit: u32,
    ) -> Result<Vec<(CustomerId, Timestamp)>, StoreError> {
        self.readers
            .run(move |connection| {
                let mut erased = erased_customers::table
                    .order(erased_customers::id)
                    .limit(limit.into())
                    .select((erased_customers::id, erased_customers::erased_at))
                    .into_boxed();
                if let Some(after) = after {
                    erased = erased.filter(erased_customers::id.gt(RowId(after.uuid())));
                }
                let rows: Vec<(RowId, RowInstant)> = erased.load(connection)?;
                let read = |(id, at): (RowId, RowInstant)| {
                    Ok((CustomerId::from(id.0), Row::new("erased_customers", id.0).time("erased_at", at)?))
                };
                rows.into_iter().map(read).collect()
            })
            .await
    }

    async fn keep_erased(&self, id: CustomerId, at: Timestamp) -> Result<(), StoreError> {
        let keep = move |connection: &mut Connection| {
            diesel::insert_into(erased_customers::table)
                .values((
                    erased_customers::id.eq(RowId(id.uuid())),
                    erased_customers::erased_at.eq(RowInstant::from(at)),
                ))
                .on_conflict_do_nothing()
                .execute(connection)?;
            Ok(())
        };
        self.writers.run(move |connection| write(connection, &keep)).await
    }

    async fn scrub(&self) -> Result<bool, StoreError> {
        scrub(&self.readers, &self.writers).await
    }
}

type Outlived = (Vec<Vec<u8>>, Vec<Vec<u8>>);

fn outlived(connection: &mut Connection, before: Timestamp, now: Timestamp, limit: u32) -> Result<Outlived, Failure> {
    let records = idempotency_records::table
        .filter(idempotency_records::created_at.lt(RowInstant::from(before)))
        .order(idempotency_records::created_at)
        .limit(limit.into())
        .select(idempotency_records::id)
        .load(connection)?;
    let memories = number_memories::table
        .filter(number_memories::forgotten_at.le(RowInstant::from(now)))
        .order(number_memories::forgotten_at)
        .limit(limit.into())
        .select(number_memories::number)
        .load(connection)?;
    Ok((records, memories))
}

fn customer_ids(rows: Vec<RowId>) -> Vec<CustomerId> {
    rows.into_iter().map(|id| CustomerId::from(id.0)).collect()
}
