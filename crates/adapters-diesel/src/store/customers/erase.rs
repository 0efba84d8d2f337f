//! A customer goes, with all that is kept about him.

use diesel::prelude::*;
use domain::EventId;

use super::{Connection, Failure, abandon_setups, deliveries, idempotency, lock_for_removal, read_all};
use crate::row::Row;
use crate::schema::{
    addresses, cards, customers, erased_customers, events, links, phone_number_claims, provider_customers, receivers,
    webhook_endpoints,
};
use crate::sql_types::{RowId, RowInstant};

/// Removes the customer who is stored at this version, what is kept beside him, and what events, deliveries and records
/// of requests say of him. His id stays used.
pub(super) fn erase(connection: &mut Connection, id: RowId, version: i64, at: RowInstant) -> Result<(), Failure> {
    keep_receivers_off(connection)?;
    lock_for_removal(connection, id)?;
    let replaced = customers::table.find(id).filter(customers::version.eq(version));
    if diesel::update(replaced).set(customers::version.eq(version + 1)).execute(connection)? != 1 {
        return Err(Failure::Stale);
    }
    let of_his: Vec<RowId> = events::table.filter(events::customer_id.eq(id)).select(events::id).load(connection)?;
    deliveries::erase(connection, &of_his)?;
    blank_events(connection, id)?;
    idempotency::blank(connection, id)?;
    diesel::delete(phone_number_claims::table.filter(phone_number_claims::customer_id.eq(id))).execute(connection)?;
    abandon_all_setups(connection, id, at)?;
    diesel::delete(addresses::table.filter(addresses::customer_id.eq(id))).execute(connection)?;
    diesel::delete(cards::table.filter(cards::customer_id.eq(id))).execute(connection)?;
    diesel::delete(provider_customers::table.filter(provider_customers::customer_id.eq(id))).execute(connection)?;
    diesel::delete(links::table.filter(links::customer_id.eq(id))).execute(connection)?;
    diesel::delete(customers::table.find(id)).execute(connection)?;
    diesel::insert_into(erased_customers::table)
        .values((erased_customers::id.eq(id), erased_customers::erased_at.eq(at)))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(())
}

/// Those of these ids that were customers who were erased.
pub(super) fn find_erased(connection: &mut Connection, ids: &[RowId]) -> Result<Vec<RowId>, Failure> {
    let found = read_all(
        connection,
        ids,
        |connection, ids| {
            let erased = erased_customers::table.filter(erased_customers::id.eq_any(ids));
            erased.select(erased_customers::id).load(connection)
        },
        |connection, id| erased_customers::table.find(id).select(erased_customers::id).load(connection),
    );
    Ok(found?)
}

/// Nobody queues a delivery of one of his events before the transaction ends, and then sees that it is erased. All take
/// these locks in this order: receivers, then endpoints.
fn keep_receivers_off(connection: &mut Connection) -> Result<(), Failure> {
    let mut ids: Vec<RowId> = receivers::table.select(receivers::id).load(connection)?;
    ids.sort_unstable_by_key(|id| id.0);
    for id in ids {
        let row = receivers::table.find(id);
        diesel::update(row).set(receivers::position.eq(receivers::position)).execute(connection)?;
    }
    let mut ids: Vec<RowId> = webhook_endpoints::table.select(webhook_endpoints::id).load(connection)?;
    ids.sort_unstable_by_key(|id| id.0);
    for id in ids {
        let row = webhook_endpoints::table.find(id);
        let same = webhook_endpoints::updated_at.eq(webhook_endpoints::updated_at);
        diesel::update(row).set(same).execute(connection)?;
    }
    Ok(())
}

/// Who is just noting at one of his links what was begun with it is waited for.
fn abandon_all_setups(connection: &mut Connection, customer: RowId, at: RowInstant) -> Result<(), Failure> {
    let of_his = || links::table.filter(links::customer_id.eq(customer));
    diesel::update(of_his()).set(links::card_setup.eq(links::card_setup)).execute(connection)?;
    let begun = of_his().filter(links::card_setup.is_not_null()).select((links::id, links::card_setup));
    let begun = begun.load(connection)?;
    abandon_setups(connection, customer, begun, at)
}

/// His events keep what they are and when they were.
fn blank_events(connection: &mut Connection, customer: RowId) -> Result<(), Failure> {
    let rows: Vec<(RowId, i64, String, RowInstant)> = events::table
        .filter(events::customer_id.eq(customer))
        .select((events::id, events::sequence, events::kind, events::occurred_at))
        .load(connection)?;
    for (id, sequence, kind, occurred_at) in rows {
        let occurred_at = Row::new("events", id.0).time("occurred_at", occurred_at)?;
        let said = wire::ErasedEvent::new(EventId::from(id.0), &kind, occurred_at, sequence);
        diesel::update(events::table.find(id))
            .set((
                events::payload.eq(said.to_string()),
                events::confirmation_token.eq(None::<String>),
                events::token_generated_at.eq(None::<RowInstant>),
                events::erased.eq(true),
            ))
            .execute(connection)?;
    }
    Ok(())
}
