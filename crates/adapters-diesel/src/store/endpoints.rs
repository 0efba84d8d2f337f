//! Webhook endpoints.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{Disabled, DisabledReason, EndpointId, EventType, Member, Timestamp, WebhookEndpoint};
use ports::{
    EndpointEdits, EndpointRepository, IdempotencyRecord, PreviousSecret, ReceiverId, RecordError, Sealed, StoreError,
    StoredEndpoint,
};

use super::deliveries::hasten;
use super::events::number_all;
use super::{Connection, Failure, Store, receivers, write};
use crate::row::Row;
use crate::schema::{receivers as receiver_rows, webhook_endpoints};
use crate::sql_types::{RowId, RowInstant};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = webhook_endpoints, treat_none_as_default_value = false)]
struct EndpointRow {
    id: RowId,
    url: String,
    event_types: String,
    description: Option<String>,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_secret_until: Option<RowInstant>,
    disabled_at: Option<RowInstant>,
    disabled_reason: Option<String>,
    failing_since: Option<RowInstant>,
    created_at: RowInstant,
    updated_at: RowInstant,
}

/// What an update sets. An outer `None` leaves a column as it is, an inner one clears it.
#[derive(AsChangeset)]
#[expect(clippy::option_option, reason = "diesel takes the three cases so")]
#[diesel(table_name = webhook_endpoints)]
struct EditedColumns {
    url: Option<String>,
    event_types: Option<String>,
    description: Option<Option<String>>,
    secret: Option<Vec<u8>>,
    previous_secret: Option<Option<Vec<u8>>>,
    previous_secret_until: Option<Option<RowInstant>>,
    disabled_at: Option<Option<RowInstant>>,
    disabled_reason: Option<Option<String>>,
    failing_since: Option<Option<RowInstant>>,
    updated_at: RowInstant,
}

#[async_trait]
impl EndpointRepository for Store {
    async fn insert(&self, endpoint: StoredEndpoint, record: Option<IdempotencyRecord>) -> Result<(), RecordError> {
        let row = EndpointRow::from(endpoint);
        // What was committed before is not for this endpoint, so it gets its number first.
        self.writers.run(number_all).await?;
        self.record_with(record, move |connection| {
            diesel::insert_into(webhook_endpoints::table).values(&row).execute(connection)?;
            receivers::insert(connection, ReceiverId(row.id.0)).map(Some)
        })
        .await
        .map(|_| ())
    }

    async fn find(&self, id: EndpointId) -> Result<Option<StoredEndpoint>, StoreError> {
        self.readers.run(move |connection| find(connection, id)).await
    }

    async fn list(&self) -> Result<Vec<StoredEndpoint>, StoreError> {
        self.readers
            .run(|connection| {
                let rows: Vec<EndpointRow> = webhook_endpoints::table
                    .filter(webhook_endpoints::deleted_at.is_null())
                    .order((webhook_endpoints::created_at, webhook_endpoints::id))
                    .select(EndpointRow::as_select())
                    .load(connection)?;
                rows.into_iter().map(StoredEndpoint::try_from).collect()
            })
            .await
    }

    async fn update(
        &self,
        id: EndpointId,
        edits: EndpointEdits,
        now: Timestamp,
        record: Option<IdempotencyRecord>,
    ) -> Result<Option<StoredEndpoint>, RecordError> {
        let is_enabled = edits.disabled == Member::Null;
        let columns = EditedColumns::of(edits, now);
        self.record_with(record, move |connection| {
            if is_enabled {
                receivers::lock(connection, id.into())?;
            }
            let there = webhook_endpoints::table.find(RowId(id.uuid())).filter(webhook_endpoints::deleted_at.is_null());
            diesel::update(there).set(&columns).execute(connection)?;
            if is_enabled {
                hasten(connection, id, now)?;
            }
            find(connection, id)
        })
        .await
    }

    async fn delete(&self, id: EndpointId) -> Result<bool, StoreError> {
        let id = RowId(id.uuid());
        self.writers
            .run(move |connection| {
                write(connection, |connection| {
                    // With its receiver the lease goes: whoever works for it notices before he stores anything.
                    diesel::delete(receiver_rows::table.find(id)).execute(connection)?;
                    let there = webhook_endpoints::table.find(id).filter(webhook_endpoints::deleted_at.is_null());
                    // When does not matter, but that it is set; no clock is at hand but the row's own.
                    let gone = webhook_endpoints::deleted_at.eq(webhook_endpoints::updated_at.nullable());
                    Ok(diesel::update(there).set(gone).execute(connection)? == 1)
                })
            })
            .await
    }
}

fn find(connection: &mut Connection, id: EndpointId) -> Result<Option<StoredEndpoint>, Failure> {
    let row: Option<EndpointRow> = webhook_endpoints::table
        .find(RowId(id.uuid()))
        .filter(webhook_endpoints::deleted_at.is_null())
        .select(EndpointRow::as_select())
        .first(connection)
        .optional()?;
    row.map(StoredEndpoint::try_from).transpose()
}

fn write_types(types: &[EventType]) -> String {
    types.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

impl EditedColumns {
    fn of(edits: EndpointEdits, now: Timestamp) -> Self {
        let (secret, previous) = edits.secrets.map_or((None, None), |(new, old)| (Some(new.0), Some(old)));
        let disabled = match edits.disabled {
            Member::Absent => None,
            Member::Null => Some(None),
            Member::Value(disabled) => Some(Some(disabled)),
        };
        Self {
            url: edits.url,
            event_types: edits.event_types.map(|types| write_types(&types)),
            description: match edits.description {
                Member::Absent => None,
                Member::Null => Some(None),
                Member::Value(text) => Some(Some(text)),
            },
            secret,
            previous_secret: previous.clone().map(|old| old.map(|old| old.secret.0)),
            previous_secret_until: previous.map(|old| old.map(|old| old.until.into())),
            disabled_at: disabled.map(|disabled| disabled.map(|disabled| disabled.at.into())),
            disabled_reason: disabled.map(|disabled| disabled.map(|disabled| disabled.reason.as_str().to_owned())),
            failing_since: (disabled == Some(None)).then_some(None),
            updated_at: now.into(),
        }
    }
}

impl From<StoredEndpoint> for EndpointRow {
    fn from(StoredEndpoint { endpoint, secret, previous_secret }: StoredEndpoint) -> Self {
        let (previous_secret, previous_secret_until) =
            previous_secret.map(|previous| (previous.secret.0, previous.until.into())).unzip();
        Self {
            id: RowId(endpoint.id.uuid()),
            url: endpoint.url,
            event_types: write_types(&endpoint.event_types),
            description: endpoint.description,
            secret: secret.0,
            previous_secret,
            previous_secret_until,
            disabled_at: endpoint.disabled.map(|disabled| disabled.at.into()),
            disabled_reason: endpoint.disabled.map(|disabled| disabled.reason.as_str().to_owned()),
            failing_since: endpoint.failing_since.map(RowInstant::from),
            created_at: endpoint.created_at.into(),
            updated_at: endpoint.updated_at.into(),
        }
    }
}

impl TryFrom<EndpointRow> for StoredEndpoint {
    type Error = Failure;

    fn try_from(stored: EndpointRow) -> Result<Self, Failure> {
        let row = Row::new("webhook_endpoints", stored.id.0);
        let types: Option<_> = stored.event_types.split_whitespace().map(EventType::parse).collect();
        let reason = |reason: String| DisabledReason::parse(&reason);
        let reason = row.optional("disabled_reason", stored.disabled_reason, reason)?;
        let disabled = match row.optional_time("disabled_at", stored.disabled_at)? {
            None => None,
            Some(at) => Some(Disabled { at, reason: row.parsed("disabled_reason", reason)? }),
        };
        let until = row.optional_time("previous_secret_until", stored.previous_secret_until)?;
        let previous_secret =
            stored.previous_secret.zip(until).map(|(secret, until)| PreviousSecret { secret: Sealed(secret), until });
        let endpoint = WebhookEndpoint {
            id: EndpointId::from(stored.id.0),
            url: stored.url,
            event_types: row.parsed("event_types", types)?,
            description: stored.description,
            disabled,
            failing_since: row.optional_time("failing_since", stored.failing_since)?,
            created_at: row.time("created_at", stored.created_at)?,
            updated_at: row.time("updated_at", stored.updated_at)?,
        };
        Ok(Self { endpoint, secret: Sealed(stored.secret), previous_secret })
    }
}
