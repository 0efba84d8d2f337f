//! Links to the customer's own pages, by the digest of their code.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{CustomerId, Link, LinkId, LinkPurpose, Timestamp};
use ports::{Digest, LinkRepository, StoreError, StoredLink};

use super::cards::abandon_setups;
use super::{Connection, Failure, Store, write};
use crate::row::Row;
use crate::schema::links;
use crate::sql_types::{RowId, RowInstant};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = links, treat_none_as_default_value = false)]
struct LinkRow {
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

#[async_trait]
impl LinkRepository for Store {
    async fn latest(&self, customer_id: CustomerId) -> Result<Vec<StoredLink>, StoreError> {
        self.readers
            .run(move |connection| {
                let rows: Vec<LinkRow> = links::table
                    .filter(links::customer_id.eq(RowId(customer_id.uuid())))
                    .order(links::generation)
                    .select(LinkRow::as_select())
                    .load(connection)?;
                // They are few (see `issue`), so the last of each purpose is picked here.
                let mut last = HashMap::new();
                for row in rows {
                    let stored = StoredLink::try_from(row)?;
                    last.insert(stored.link.purpose, stored);
                }
                Ok(LinkPurpose::ALL.iter().filter_map(|purpose| last.remove(purpose)).collect())
            })
            .await
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
        let rows: Vec<LinkRow> = links.into_iter().map(LinkRow::from).collect();
        self.writers
            .run(move |connection| match write(connection, |connection| issue(connection, &rows, forget_before)) {
                Err(Failure::Orphan) => Ok(Vec::new()),
                done => done,
            })
            .await
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

fn issue(connection: &mut Connection, rows: &[LinkRow], forget_before: Timestamp) -> Result<Vec<StoredLink>, Failure> {
    // Two transactions that insert the same keys in one order wait for each other but do not block each other.
    let mut in_key_order: Vec<&LinkRow> = rows.iter().collect();
    in_key_order.sort_by(|a, b| (&a.purpose, a.generation).cmp(&(&b.purpose, b.generation)));
    for row in in_key_order {
        diesel::insert_into(links::table)
            .values(row)
            .on_conflict((links::customer_id, links::purpose, links::generation))
            .do_nothing()
            .execute(connection)?;
    }
    let stored = rows.iter().map(|row| find_by_key(connection, row)).collect::<Result<_, _>>()?;
    if let Some(row) = rows.first() {
        let before = RowInstant::from(forget_before);
        let forgotten =
            || links::table.filter(links::customer_id.eq(row.customer_id)).filter(links::expires_at.lt(before));
        let begun = forgotten().filter(links::card_setup.is_not_null()).select((links::id, links::card_setup));
        let begun = begun.load(connection)?;
        abandon_setups(connection, row.customer_id, begun, before)?;
        diesel::delete(forgotten()).execute(connection)?;
    }
    Ok(stored)
}

fn find_by_key(connection: &mut Connection, key: &LinkRow) -> Result<StoredLink, Failure> {
    let row: LinkRow = links::table
        .filter(links::customer_id.eq(key.customer_id))
        .filter(links::purpose.eq(&key.purpose))
        .filter(links::generation.eq(key.generation))
        .select(LinkRow::as_select())
        .first(connection)?;
    StoredLink::try_from(row)
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
