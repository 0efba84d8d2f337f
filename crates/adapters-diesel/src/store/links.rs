//! Links to the customer's own pages, by the digest of their code.

use std::collections::HashMap;
use std::slice;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{CustomerId, Link, LinkId, LinkPurpose, Timestamp};
use ports::{Digest, LinkRepository, StoreError, StoredLink};
use uuid::Uuid;

use super::cards::abandon_setups;
use super::{Connection, Failure, Store, insert_new, read_all, reading, write, write_together};
use crate::bulk::bulk;
use crate::gather::Question;
use crate::row::Row;
use crate::schema::links;
use crate::sql_types::{RowId, RowInstant};

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = links)]
pub(super) struct LinkRow {
    id: RowId,
    customer_id: RowId,
    purpose: String,
    generation: i64,
    code: Vec<u8>,
    created_at: RowInstant,
    expires_at: RowInstant,
    revoked_at: Option<RowInstant>,
    card_setup: Option<String>,
}

bulk!(LinkLists: LinkRow {
    id, customer_id, purpose, generation, code, created_at, expires_at, revoked_at, card_setup
} in links by id: id, {
    id: id,
    customer_id: id,
    purpose: text,
    generation: number,
    code: bytes,
    created_at: time,
    expires_at: time,
    revoked_at: optional_time,
    card_setup: optional_text,
});

#[async_trait]
impl LinkRepository for Store {
    async fn latest(&self, customer_id: CustomerId) -> Result<Vec<StoredLink>, StoreError> {
        self.latest_links.ask(LatestLinks(customer_id)).await
    }

    async fn all(&self, customer_id: CustomerId) -> Result<Vec<Link>, StoreError> {
        self.readers
            .run(move |connection| {
                let rows: Vec<LinkRow> = links::table
                    .filter(links::customer_id.eq(RowId(customer_id.uuid())))
                    .order((links::created_at, links::purpose, links::generation))
                    .select(LinkRow::as_select())
                    .load(connection)?;
                rows.into_iter().map(|row| Ok(StoredLink::try_from(row)?.link)).collect()
            })
            .await
    }

    async fn issue(&self, links: Vec<StoredLink>, forget_before: Timestamp) -> Result<Vec<StoredLink>, StoreError> {
        self.issues.ask(IssueLinks { links: links.into_iter().map(LinkRow::from).collect(), forget_before }).await
    }

    async fn find_by_code(&self, code: &Digest) -> Result<Option<Link>, StoreError> {
        let code = *code;
        self.readers
            .run(move |connection| {
                let row: Option<LinkRow> = links::table
                    .filter(links::code.eq(code.0.as_slice()))
                    .select(LinkRow::as_select())
                    .first(connection)
                    .optional()?;
                Ok(row.map(StoredLink::try_from).transpose()?.map(|stored| stored.link))
            })
            .await
    }

    async fn bind_card_setup(
        &self,
        id: LinkId,
        replaces: Option<String>,
        setup: String,
    ) -> Result<Option<String>, StoreError> {
        self.writers
            .run(move |connection| {
                write(connection, |connection| bind_card_setup(connection, id, replaces.as_deref(), &setup))
            })
            .await
    }
}

/// The update waits for another that notes something at the same link, and then finds what it replaces no longer there.
fn bind_card_setup(
    connection: &mut Connection,
    id: LinkId,
    replaces: Option<&str>,
    setup: &str,
) -> Result<Option<String>, Failure> {
    let id = RowId(id.uuid());
    let noted = links::card_setup.eq(setup);
    match replaces {
        None => {
            diesel::update(links::table.find(id).filter(links::card_setup.is_null())).set(noted).execute(connection)
        }
        Some(old) => {
            diesel::update(links::table.find(id).filter(links::card_setup.eq(old))).set(noted).execute(connection)
        }
    }?;
    let noted: Option<Option<String>> = links::table.find(id).select(links::card_setup).first(connection).optional()?;
    Ok(noted.flatten())
}

/// Ends a customer's links of these purposes. Those that have expired too: by another clock they may have not.
pub(super) fn revoke(
    connection: &mut Connection,
    customer: RowId,
    purposes: &[LinkPurpose],
    at: RowInstant,
) -> Result<(), Failure> {
    let not_revoked = links::table
        .filter(links::customer_id.eq(customer))
        .filter(links::purpose.eq_any(purposes.iter().map(|purpose| purpose.as_str())))
        .filter(links::revoked_at.is_null());
    diesel::update(not_revoked).set(links::revoked_at.eq(at)).execute(connection)?;
    Ok(())
}

/// The latest links of this customer.
pub(super) struct LatestLinks(CustomerId);

impl Question<Connection> for LatestLinks {
    type Answer = Vec<StoredLink>;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let ids: Vec<RowId> = questions.iter().map(|question| RowId(question.0.uuid())).collect();
        let rows = reading(connection, ids.len(), |connection| of_customers(connection, &ids))?;
        // They are few (see `issue`), so the last of each purpose is picked here.
        let mut last: HashMap<(Uuid, LinkPurpose), StoredLink> = HashMap::with_capacity(rows.len());
        for row in rows {
            let stored = StoredLink::try_from(row)?;
            let link = &stored.link;
            let key = (link.customer_id.uuid(), link.purpose);
            if last.get(&key).is_none_or(|last| last.link.generation < link.generation) {
                last.insert(key, stored);
            }
        }
        let of =
            |id: &RowId| LinkPurpose::ALL.iter().filter_map(|purpose| last.get(&(id.0, *purpose)).cloned()).collect();
        Ok(ids.iter().map(|id| Some(of(id))).collect())
    }
}

/// All links of these customers that are kept.
fn of_customers(connection: &mut Connection, ids: &[RowId]) -> Result<Vec<LinkRow>, Failure> {
    let links = read_all(
        connection,
        ids,
        |connection, ids| {
            let rows = links::table.filter(links::customer_id.eq_any(ids));
            rows.select(LinkRow::as_select()).load(connection)
        },
        |connection, id| {
            let rows = links::table.filter(links::customer_id.eq(id));
            rows.select(LinkRow::as_select()).load(connection)
        },
    );
    Ok(links?)
}

/// New links of one customer, see [`LinkRepository::issue`].
pub(super) struct IssueLinks {
    links: Vec<LinkRow>,
    forget_before: Timestamp,
}

impl Question<Connection> for IssueLinks {
    type Answer = Vec<StoredLink>;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        if let [question] = questions {
            return Ok(vec![Some(question.answer_alone(connection)?)]);
        }
        let issued = write_together(connection, |connection| issue(connection, questions))?;
        Ok(issued.into_iter().map(Some).collect())
    }

    fn answer_alone(&self, connection: &mut Connection) -> Result<Vec<StoredLink>, Failure> {
        match write(connection, |connection| issue(connection, slice::from_ref(self))) {
            Ok(issued) => Ok(issued.into_iter().flatten().collect()),
            // There is no such customer.
            Err(Failure::Orphan) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }
}

/// Issues links, and returns those of each question.
fn issue(connection: &mut Connection, questions: &[IssueLinks]) -> Result<Vec<Vec<StoredLink>>, Failure> {
    // Two transactions that insert the same keys in one order wait for each other but do not block each other.
    let mut new: Vec<&LinkRow> = questions.iter().flat_map(|question| &question.links).collect();
    new.sort_by(|a, b| a.place().cmp(&b.place()));
    insert_new(connection, &new)?;
    let mut customers: Vec<RowId> = new.iter().map(|row| row.customer_id).collect();
    customers.dedup();
    let mut kept: HashMap<Uuid, Vec<LinkRow>> = HashMap::with_capacity(customers.len());
    for row in of_customers(connection, &customers)? {
        kept.entry(row.customer_id.0).or_default().push(row);
    }
    let mut answers = Vec::with_capacity(questions.len());
    for IssueLinks { links, forget_before } in questions {
        let Some(customer) = links.first().map(|row| row.customer_id) else {
            answers.push(Vec::new());
            continue;
        };
        let kept = kept.get(&customer.0).map(Vec::as_slice).unwrap_or_default();
        let stored = |new: &LinkRow| {
            let stored = kept.iter().find(|row| row.place() == new.place()).cloned();
            stored.ok_or(Failure::Orphan).and_then(StoredLink::try_from)
        };
        answers.push(links.iter().map(stored).collect::<Result<_, _>>()?);
        forget(connection, customer, kept, *forget_before)?;
    }
    Ok(answers)
}

/// Removes those of a customer's links that expired before then, and queues what was begun with them.
fn forget(connection: &mut Connection, customer: RowId, kept: &[LinkRow], before: Timestamp) -> Result<(), Failure> {
    let old: Vec<&LinkRow> = kept.iter().filter(|row| row.expires_at.0.is_some_and(|end| end < before)).collect();
    if old.is_empty() {
        return Ok(());
    }
    let begun = old.iter().filter(|row| row.card_setup.is_some()).map(|row| (row.id, row.card_setup.clone()));
    abandon_setups(connection, customer, begun.collect(), before.into())?;
    let old =
        links::table.filter(links::customer_id.eq(customer)).filter(links::expires_at.lt(RowInstant::from(before)));
    diesel::delete(old).execute(connection)?;
    Ok(())
}

impl LinkRow {
    /// What there is one link of.
    fn place(&self) -> (Uuid, &str, i64) {
        (self.customer_id.0, &self.purpose, self.generation)
    }
}

impl From<StoredLink> for LinkRow {
    fn from(StoredLink { link, code }: StoredLink) -> Self {
        Self {
            id: RowId(link.id.uuid()),
            customer_id: RowId(link.customer_id.uuid()),
            purpose: link.purpose.as_str().to_owned(),
            generation: link.generation,
            code: code.0.to_vec(),
            created_at: link.created_at.into(),
            expires_at: link.expires_at.into(),
            revoked_at: link.revoked_at.map(RowInstant::from),
            card_setup: link.card_setup,
        }
    }
}

impl TryFrom<LinkRow> for StoredLink {
    type Error = Failure;

    fn try_from(stored: LinkRow) -> Result<Self, Failure> {
        let row = Row::new("links", stored.id.0);
        let purpose = LinkPurpose::ALL.into_iter().find(|purpose| purpose.as_str() == stored.purpose);
        let link = Link {
            id: LinkId::from(stored.id.0),
            customer_id: CustomerId::from(stored.customer_id.0),
            purpose: row.parsed("purpose", purpose)?,
            generation: stored.generation,
            created_at: row.time("created_at", stored.created_at)?,
            expires_at: row.time("expires_at", stored.expires_at)?,
            revoked_at: row.optional_time("revoked_at", stored.revoked_at)?,
            card_setup: stored.card_setup,
        };
        Ok(Self { link, code: row.digest("code", &stored.code)? })
    }
}
