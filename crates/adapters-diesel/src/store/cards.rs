//! What is kept for card providers: who a customer is there, and which cards are to be removed there.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{CustomerId, Timestamp};
use ports::{DetachedCard, Detachment, DetachmentQueue, ProviderCustomerRepository, StoreError};
use uuid::Uuid;

use super::{Connection, Failure, Store, write};
use crate::row::Row;
use crate::schema::{card_detachments, cards, provider_customers};
use crate::sql_types::{RowId, RowInstant};

/// A card that is to be removed at its provider.
#[derive(Insertable)]
#[diesel(table_name = card_detachments)]
pub(super) struct DetachmentRow {
    id: RowId,
    provider: String,
    payment_method: String,
    setup: Option<String>,
    tries: i64,
    next_try_at: RowInstant,
}

impl DetachmentRow {
    /// One that was not tried yet, due at `at`.
    pub(super) fn new(id: Uuid, provider: &str, payment_method: &str, at: RowInstant) -> Self {
        let (provider, payment_method) = (provider.to_owned(), payment_method.to_owned());
        Self { id: RowId(id), provider, payment_method, setup: None, tries: 0, next_try_at: at }
    }

    /// One that is there already under its id stays as it is.
    fn queue(&self, connection: &mut Connection) -> Result<(), Failure> {
        let insert = diesel::insert_into(card_detachments::table).values(self);
        insert.on_conflict(card_detachments::id).do_nothing().execute(connection)?;
        Ok(())
    }
}

/// Queues what was begun with links of a customer that nobody looks at any more, but for what brought his card.
pub(super) fn abandon_setups(
    connection: &mut Connection,
    customer: RowId,
    begun: Vec<(RowId, Option<String>)>,
    at: RowInstant,
) -> Result<(), Failure> {
    if begun.is_empty() {
        return Ok(());
    }
    let card: Option<String> = cards::table.find(customer).select(cards::setup).first(connection).optional()?;
    let known_to = provider_customers::table.filter(provider_customers::customer_id.eq(customer));
    // Who begins anything is known there. It is one provider but for who tried the service with test cards first, and they
    // are the last by name.
    let provider: Option<String> = known_to
        .order(provider_customers::provider)
        .select(provider_customers::provider)
        .first(connection)
        .optional()?;
    let Some(provider) = provider else { return Ok(()) };
    for (id, setup) in begun.into_iter().filter(|(_, setup)| *setup != card) {
        DetachmentRow { setup, ..DetachmentRow::new(id.0, &provider, "", at) }.queue(connection)?;
    }
    Ok(())
}

#[async_trait]
impl ProviderCustomerRepository for Store {
    async fn find_provider_customer(&self, id: CustomerId, provider: &str) -> Result<Option<String>, StoreError> {
        let provider = provider.to_owned();
        self.readers.run(move |connection| find_provider_customer(connection, id, &provider)).await
    }

    async fn keep_provider_customer(
        &self,
        id: CustomerId,
        provider: &str,
        replaces: Option<String>,
        provider_customer: String,
    ) -> Result<String, StoreError> {
        let (provider, made) = (provider.to_owned(), provider_customer.clone());
        let keep = move |connection: &mut Connection| {
            match &replaces {
                None => diesel::insert_into(provider_customers::table)
                    .values((
                        provider_customers::customer_id.eq(RowId(id.uuid())),
                        provider_customers::provider.eq(&provider),
                        provider_customers::provider_customer.eq(&provider_customer),
                    ))
                    .on_conflict((provider_customers::customer_id, provider_customers::provider))
                    .do_nothing()
                    .execute(connection)?,
                Some(old) => {
                    let row = provider_customers::table.find((RowId(id.uuid()), &provider));
                    diesel::update(row.filter(provider_customers::provider_customer.eq(old)))
                        .set(provider_customers::provider_customer.eq(&provider_customer))
                        .execute(connection)?
                }
            };
            let kept = find_provider_customer(connection, id, &provider)?;
            Ok(kept.unwrap_or_else(|| provider_customer.clone()))
        };
        self.writers
            .run(move |connection| match write(connection, &keep) {
                // The customer is gone, and with him what was begun for him.
                Err(Failure::Orphan) => Ok(made.clone()),
                done => done,
            })
            .await
    }
}

fn find_provider_customer(
    connection: &mut Connection,
    id: CustomerId,
    provider: &str,
) -> Result<Option<String>, Failure> {
    let row = provider_customers::table.find((RowId(id.uuid()), provider));
    Ok(row.select(provider_customers::provider_customer).first(connection).optional()?)
}

#[async_trait]
impl DetachmentQueue for Store {
    async fn take_due_detachments(
        &self,
        provider: &str,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<Detachment>, StoreError> {
        let provider = provider.to_owned();
        let look = {
            let provider = provider.clone();
            move |connection: &mut Connection| due(connection, &provider, now, limit)
        };
        // Mostly nothing is due: no write lock is taken to find that out.
        if self.readers.run(look).await?.is_empty() {
            return Ok(Vec::new());
        }
        let take = move |connection: &mut Connection| {
            let mut taken = Vec::new();
            for detachment in due(connection, &provider, now, limit)? {
                let row = card_detachments::table
                    .find(RowId(detachment.id))
                    .filter(card_detachments::next_try_at.le(RowInstant::from(now)));
                let next = (
                    card_detachments::tries.eq(card_detachments::tries + 1),
                    card_detachments::next_try_at.eq(RowInstant::from(again)),
                );
                if diesel::update(row).set(next).execute(connection)? == 1 {
                    taken.push(detachment);
                }
            }
            Ok(taken)
        };
        self.writers.run(move |connection| write(connection, &take)).await
    }

    async fn queue_detachment(
        &self,
        provider: &str,
        id: Uuid,
        payment_method: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = DetachmentRow::new(id, provider, payment_method, at.into());
        self.writers.run(move |connection| write(connection, |connection| row.queue(connection))).await
    }

    async fn postpone_detachment(&self, id: Uuid, again: Timestamp) -> Result<(), StoreError> {
        let postpone = move |connection: &mut Connection| {
            let row = card_detachments::table.find(RowId(id));
            diesel::update(row).set(card_detachments::next_try_at.eq(RowInstant::from(again))).execute(connection)?;
            Ok(())
        };
        self.writers.run(move |connection| write(connection, postpone)).await
    }

    async fn settle_detachment(&self, id: Uuid) -> Result<(), StoreError> {
        let settle = move |connection: &mut Connection| {
            diesel::delete(card_detachments::table.find(RowId(id))).execute(connection)?;
            Ok(())
        };
        self.writers.run(move |connection| write(connection, settle)).await
    }
}

fn due(connection: &mut Connection, provider: &str, now: Timestamp, limit: u32) -> Result<Vec<Detachment>, Failure> {
    let rows: Vec<(RowId, String, Option<String>, i64)> = card_detachments::table
        .filter(card_detachments::provider.eq(provider))
        .filter(card_detachments::next_try_at.le(RowInstant::from(now)))
        .order((card_detachments::next_try_at, card_detachments::id))
        .limit(limit.into())
        .select((
            card_detachments::id,
            card_detachments::payment_method,
            card_detachments::setup,
            card_detachments::tries,
        ))
        .load(connection)?;
    rows.into_iter()
        .map(|(id, payment_method, setup, tries)| {
            let tries = Row::new("card_detachments", id.0).parsed("tries", tries.try_into().ok())?;
            let card = setup.map_or(DetachedCard::Known(payment_method), DetachedCard::OfSetup);
            Ok(Detachment { id: id.0, card, tries })
        })
        .collect()
}
