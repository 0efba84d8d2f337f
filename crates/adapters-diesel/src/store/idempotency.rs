//! What came of requests that were sent with an idempotency key.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::CustomerId;
use ports::{Digest, IdempotencyRecord, IdempotencyStore, RecordError, Sealed, StoreError};
use uuid::Uuid;

use super::{Connection, Failure, Store, read_all, reading, write};
use crate::bulk::bulk;
use crate::failure::Unique;
use crate::gather::Question;
use crate::row::Row;
use crate::schema::{customers, idempotency_records};
use crate::sql_types::{RowId, RowInstant};

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_records, treat_none_as_default_value = false)]
pub(super) struct RecordRow {
    pub(super) id: Vec<u8>,
    fingerprint: Vec<u8>,
    customer_id: Option<RowId>,
    outcome: Option<Vec<u8>>,
    created_at: RowInstant,
}

#[async_trait]
impl IdempotencyStore for Store {
    async fn find_record(&self, ids: Vec<Digest>) -> Result<Option<IdempotencyRecord>, StoreError> {
        self.records.ask(FindRecord(ids.iter().map(|id| id.0.to_vec()).collect())).await
    }

    async fn keep_record(&self, record: IdempotencyRecord) -> Result<(), RecordError> {
        let customer = record.customer_id;
        let work = move |connection: &mut Connection| match customer {
            None => Ok(Some(())),
            Some(id) => is_there(connection, id).map(|is_there| is_there.then_some(())),
        };
        self.record_with(Some(record), work).await.map(|_| ())
    }
}

/// The record under one of these ids.
pub(super) struct FindRecord(Vec<Vec<u8>>);

impl Question<Connection> for FindRecord {
    type Answer = Option<IdempotencyRecord>;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let ids: Vec<&Vec<u8>> = questions.iter().flat_map(|question| &question.0).collect();
        let rows: Vec<RecordRow> = reading(connection, ids.len(), |connection| {
            let rows = read_all(
                connection,
                &ids,
                |connection, ids| {
                    let rows = idempotency_records::table.filter(idempotency_records::id.eq_any(ids));
                    rows.select(RecordRow::as_select()).load(connection)
                },
                |connection, id| idempotency_records::table.find(*id).select(RecordRow::as_select()).load(connection),
            );
            Ok(rows?)
        })?;
        let record = |question: &Self| {
            let row = rows.iter().find(|row| question.0.contains(&row.id));
            row.cloned().map(IdempotencyRecord::try_from).transpose().map(Some)
        };
        questions.iter().map(record).collect()
    }
}

bulk!(RecordLists: RecordRow { id, fingerprint, customer_id, outcome, created_at } in idempotency_records by id: bytes, {
    id: bytes,
    fingerprint: bytes,
    customer_id: optional_id,
    outcome: optional_bytes,
    created_at: time,
});

/// Whether there is such a customer; then he is until the transaction ends, so that what is stored goes with him.
fn is_there(connection: &mut Connection, id: CustomerId) -> Result<bool, Failure> {
    let row = customers::table.find(RowId(id.uuid()));
    Ok(diesel::update(row).set(customers::version.eq(customers::version)).execute(connection)? == 1)
}

impl Store {
    /// Does `work` in one transaction with a record of the request, which comes first. Where there is nothing to work on,
    /// nothing is stored, the record included.
    pub(super) async fn record_with<T: Send + 'static>(
        &self,
        record: Option<IdempotencyRecord>,
        mut work: impl FnMut(&mut Connection) -> Result<Option<T>, Failure> + Send + 'static,
    ) -> Result<Option<T>, RecordError> {
        let record = record.map(RecordRow::from);
        let done = self.writers.run(move |connection| {
            let done = write(connection, |connection| {
                if let Some(record) = &record {
                    record.insert(connection)?;
                }
                work(connection)?.ok_or(Failure::Stale)
            });
            match done {
                Err(Failure::Stale) => Ok(Ok(None)),
                Err(Failure::Taken(Unique::IdempotencyRecord)) => Ok(Err(RecordError::Repeated)),
                Err(Failure::Held) => Ok(Err(RecordError::InProgress)),
                done => done.map(|done| Ok(Some(done))),
            }
        });
        done.await?
    }
}

impl RecordRow {
    /// Stores the record. It must be the first statement of its transaction: where another transaction has stored one
    /// of that id and not ended, it waits here, with nothing of its own held.
    pub(super) fn insert(&self, connection: &mut Connection) -> Result<(), Failure> {
        match diesel::insert_into(idempotency_records::table).values(self).execute(connection).map_err(Failure::from) {
            Ok(_) => Ok(()),
            Err(Failure::Blocked(_)) => Err(Failure::Held),
            Err(failure) => Err(failure),
        }
    }
}

/// Takes from the records of a customer what they say of him.
pub(super) fn blank(connection: &mut Connection, customer: RowId) -> Result<(), Failure> {
    let his = idempotency_records::table.filter(idempotency_records::customer_id.eq(customer));
    diesel::update(his).set(idempotency_records::outcome.eq(None::<Vec<u8>>)).execute(connection)?;
    Ok(())
}

impl From<IdempotencyRecord> for RecordRow {
    fn from(record: IdempotencyRecord) -> Self {
        Self {
            id: record.id.0.to_vec(),
            fingerprint: record.fingerprint.0.to_vec(),
            customer_id: record.customer_id.map(|id| RowId(id.uuid())),
            outcome: record.outcome.map(|outcome| outcome.0),
            created_at: record.created_at.into(),
        }
    }
}

impl TryFrom<RecordRow> for IdempotencyRecord {
    type Error = Failure;

    fn try_from(stored: RecordRow) -> Result<Self, Failure> {
        // Its own id says nothing: the customer is what the log can be searched for.
        let row = Row::new("idempotency_records", stored.customer_id.map_or(Uuid::nil(), |id| id.0));
        Ok(Self {
            id: row.digest("id", &stored.id)?,
            fingerprint: row.digest("fingerprint", &stored.fingerprint)?,
            customer_id: stored.customer_id.map(|id| CustomerId::from(id.0)),
            outcome: stored.outcome.map(Sealed),
            created_at: row.time("created_at", stored.created_at)?,
        })
    }
}
