//! The outbox: events are stored with their changes, numbered after the commit (where transactions take turns, in them),
//! read by number.

use std::time::Duration;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{Customer, CustomerId, Event, EventBody, EventId, Timestamp, VerificationStatus};
use ports::{EventOutbox, EventPage, EventQuery, StoreError, StoredEvent};
use tokio::time::timeout;

use super::{Connection, Failure, Store, insert_events, write};
use crate::bulk::{Known, Placed, bulk};
use crate::row::Row;
use crate::schema::{event_numbering, events};
use crate::sql_types::{RowId, RowInstant};

/// How long a reader waits for others of this process who number events.
const TURN_WAIT: Duration = Duration::from_secs(2);

/// How many events one transaction numbers.
const BATCH: usize = 1_000;

/// Numbers a batch from the position after the bound one. Within one customer the order is that of the sequence: an
/// event is made of the customer as he was stored with the one before, at no earlier time, so that wherever an event
/// is seen, the one before it is seen, and stands before it here.
const NUMBER_BATCH: &str = "UPDATE events SET position = $1 + numbered.rank \
     FROM (SELECT id, row_number() OVER (ORDER BY occurred_at, sequence, id) AS rank FROM events \
           WHERE position IS NULL ORDER BY occurred_at, sequence, id LIMIT 1000) AS numbered \
     WHERE events.id = numbered.id";

/// An event as it is stored with its change.
pub(super) struct EventRow {
    id: RowId,
    customer_id: RowId,
    sequence: i64,
    kind: &'static str,
    occurred_at: RowInstant,
    payload: String,
    confirmation_token: Option<String>,
    token_generated_at: Option<RowInstant>,
}

bulk!(EventLists: EventRow {
    id, customer_id, sequence, kind, occurred_at, payload, confirmation_token, token_generated_at
} in events by id: id, {
    id: id,
    customer_id: id,
    sequence: number,
    kind as "type": word,
    occurred_at: time,
    payload: text,
    confirmation_token: optional_text,
    token_generated_at: optional_time,
});

impl Placed for EventRow {}

/// An event as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(super) struct StoredRow {
    id: RowId,
    customer_id: RowId,
    kind: String,
    occurred_at: RowInstant,
    position: Option<i64>,
    token_generated_at: Option<RowInstant>,
    erased: bool,
    payload: String,
}

impl TryFrom<StoredRow> for StoredEvent {
    type Error = Failure;

    fn try_from(stored: StoredRow) -> Result<Self, Failure> {
        let row = Row::new("events", stored.id.0);
        Ok(Self {
            id: stored.id.0.into(),
            customer_id: CustomerId::from(stored.customer_id.0),
            event_type: stored.kind,
            occurred_at: row.time("occurred_at", stored.occurred_at)?,
            position: stored.position.unwrap_or_default(),
            token_generated_at: row.optional_time("token_generated_at", stored.token_generated_at)?,
            is_erased: stored.erased,
            payload: stored.payload,
        })
    }
}

#[async_trait]
impl EventOutbox for Store {
    async fn page(&self, query: EventQuery) -> Result<Option<EventPage>, StoreError> {
        self.numbered(move |connection| page(connection, &query)).await
    }

    async fn find(&self, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let found = move |connection: &mut Connection| {
            let row = events::table.find(RowId(id.uuid())).select(StoredRow::as_select()).first(connection);
            row.optional()?.map(StoredEvent::try_from).transpose()
        };
        self.readers.run(found).await
    }

    async fn last(&self) -> Result<Option<EventId>, StoreError> {
        let last = |connection: &mut Connection| {
            let numbered = events::table.filter(events::position.is_not_null()).order(events::position.desc());
            let id: Option<RowId> = numbered.select(events::id).first(connection).optional()?;
            Ok(id.map(|id| id.0.into()))
        };
        self.numbered(last).await
    }
}

impl Store {
    /// Reads after all events that were committed before the call have their number. Costs no lock where none was
    /// without, which is most of the time.
    pub(super) async fn numbered<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Connection) -> Result<T, Failure> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let look = {
            let read = read.clone();
            move |connection: &mut Connection| {
                if is_anything_unnumbered(connection)? { Ok(None) } else { read(connection).map(Some) }
            }
        };
        if let Some(done) = self.readers.run(look.clone()).await? {
            return Ok(done);
        }
        // One numbers at a time, and the others of this process wait here rather than on a connection each.
        let turn = timeout(TURN_WAIT, self.numbering.lock()).await;
        let _turn = turn.map_err(|_| StoreError::Unavailable("events were not numbered in time".to_owned()))?;
        if let Some(done) = self.readers.run(look).await? {
            return Ok(done);
        }
        self.writers.run(number_all).await?;
        self.readers.run(read).await
    }
}

fn is_anything_unnumbered(connection: &mut Connection) -> Result<bool, Failure> {
    // The order is that of the index of unnumbered events. Without it, PostgreSQL reads the whole table when it has last
    // counted before a backlog was numbered.
    let unnumbered: Option<RowId> = events::table
        .filter(events::position.is_null())
        .order((events::occurred_at, events::sequence, events::id))
        .select(events::id)
        .first(connection)
        .optional()?;
    Ok(unnumbered.is_some())
}

fn page(connection: &mut Connection, query: &EventQuery) -> Result<Option<EventPage>, Failure> {
    let after = match query.after {
        None => 0,
        Some(id) => {
            let position: Option<Option<i64>> =
                events::table.find(RowId(id.uuid())).select(events::position).first(connection).optional()?;
            match position {
                None => return Ok(None),
                // It was committed after the numbering: nothing that bears a number comes after it.
                Some(None) => return Ok(Some(EventPage::default())),
                Some(Some(position)) => position,
            }
        }
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    // One more than asked for tells whether there are more.
    let page = events::table
        .filter(events::position.gt(after))
        .order(events::position)
        .limit(i64::from(query.limit) + 1)
        .select(StoredRow::as_select());
    let mut rows: Vec<StoredRow> = match query.customer_id {
        None => page.load(connection)?,
        Some(id) => page.filter(events::customer_id.eq(RowId(id.uuid()))).load(connection)?,
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let events = rows.into_iter().map(StoredEvent::try_from).collect::<Result<_, _>>()?;
    Ok(Some(EventPage { events, more }))
}

/// Numbers all events that were committed before the call.
pub(super) fn number_all(connection: &mut Connection) -> Result<(), Failure> {
    while write(connection, number_batch)? == BATCH {}
    Ok(())
}

fn number_batch(connection: &mut Connection) -> Result<usize, Failure> {
    // The lock comes before the look: what was committed before it was had, the statements after it see.
    let counter = event_numbering::table.find(1_i16);
    diesel::update(counter)
        .set(event_numbering::last_position.eq(event_numbering::last_position))
        .execute(connection)?;
    let last: i64 = counter.select(event_numbering::last_position).first(connection)?;
    let numbered = diesel::sql_query(NUMBER_BATCH).bind::<BigInt, _>(last).execute(connection)?;
    let next = i64::try_from(numbered).ok().and_then(|numbered| last.checked_add(numbered));
    let next = next.ok_or_else(|| Failure::Rejected("positions are used up".to_owned()))?;
    diesel::update(counter).set(event_numbering::last_position.eq(next)).execute(connection)?;
    Ok(numbered)
}

impl EventRow {
    pub(super) fn of(event: &Event) -> Result<Self, Failure> {
        // The error would quote the document.
        let payload = serde_json::to_string(&wire::Event::new(event))
            .map_err(|_| Failure::Rejected("an event cannot be written as JSON".to_owned()))?;
        let token = match &event.body {
            EventBody::Verification { status: VerificationStatus::Pending { token, .. }, customer } => {
                Some((*token, generated_at(customer)))
            }
            EventBody::Verification { .. } | EventBody::Updated { .. } | EventBody::Erased => None,
        };
        Ok(Self {
            id: RowId(event.id.uuid()),
            customer_id: RowId(event.customer_id.uuid()),
            sequence: event.sequence,
            kind: event.body.event_type().as_str(),
            occurred_at: event.occurred_at.into(),
            payload,
            confirmation_token: token.map(|(token, _)| token.expose()),
            token_generated_at: token.and_then(|(_, at)| at).map(RowInstant::from),
        })
    }

    /// When it happened.
    pub(super) fn occurred_at(&self) -> RowInstant {
        self.occurred_at
    }

    /// Stores events.
    pub(super) fn insert(connection: &mut Connection, events: &[&Self]) -> Result<(), Failure> {
        if Self::insert_unless(connection, events, &Known::default())? { Ok(()) } else { Err(id_is_taken()) }
    }

    /// Stores events, unless something of this may be known: `false`, and nothing is stored. The statement that stores them is
    /// what looks for it, so that without events it may be known.
    pub(super) fn insert_unless(connection: &mut Connection, events: &[&Self], known: &Known) -> Result<bool, Failure> {
        if events.is_empty() {
            return Ok(known.is_empty());
        }
        // A customer's earlier events come first, which may have no position yet. They were committed before his row
        // could be changed.
        let has_earlier = events.iter().any(|event| event.sequence > 1);
        match insert_events(connection, events, known, has_earlier, is_anything_unnumbered)? {
            None => Ok(false),
            Some(inserted) if inserted.contains(&false) => Err(id_is_taken()),
            Some(_) => Ok(true),
        }
    }
}

fn id_is_taken() -> Failure {
    Failure::Rejected("an event's id is taken".to_owned())
}

/// When the token of a customer who is asked for one was made.
fn generated_at(customer: &Customer) -> Option<Timestamp> {
    customer.challenge().map(|challenge| challenge.generated_at)
}
