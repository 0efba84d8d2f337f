//! Saving many changes in one transaction, each of which succeeds or fails by itself.
//!
//! What may collide with others is inserted first: records of requests, then customers, then claims, each in the order of
//! its key. So whoever waits for somebody waits while he holds nothing that the other can want, and two processes do not
//! wait for each other. What collides leaves the batch, and what was inserted for it is removed; it is done again by itself
//! then, and finds out what became of it.

use std::collections::HashSet;
use std::hash::Hash;

use diesel::prelude::*;
use ports::{KeyedHash, SaveError};

use super::save::Save;
use super::{
    Connection, CustomerRow, EventRow, Failure, erase, insert_new, links, lock_customers, numbers, replace_each, write,
    write_together,
};
use crate::bulk::{Bulk, Known};
use crate::gather::Question;
use crate::schema::{customers, idempotency_records, phone_number_claims};
use crate::sql_types::RowId;

impl Question<Connection> for Save {
    type Answer = Result<(), SaveError>;

    /// No more than [`ReplaceAll`](crate::bulk::ReplaceAll) reads.
    const MOST: usize = 64;

    /// What gives up or takes over a number, or removes a customer, touches what others may hold in another order.
    fn is_alone(&self) -> bool {
        let takes_over = self.replaces.is_some() && (!self.claims.is_empty() || self.inherits.is_some());
        takes_over || self.erases || !self.releases.is_empty() || !self.memories.is_empty()
    }

    fn answer(connection: &mut Connection, saves: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let stored = if let [_] = saves {
            match write(connection, |connection| store(connection, saves)) {
                Err(Failure::Held) => return Ok(vec![Some(Err(SaveError::InProgress))]),
                Err(Failure::Stale) => vec![false],
                done => done?,
            }
        } else {
            write_together(connection, |connection| store(connection, saves))?
        };
        Ok(stored.into_iter().map(|is_stored| is_stored.then_some(Ok(()))).collect())
    }

    fn answer_alone(&self, connection: &mut Connection) -> Result<Self::Answer, Failure> {
        self.run(connection)
    }
}

/// Stores those of the changes that collide with nothing, and says which they are.
fn store(connection: &mut Connection, saves: &[Save]) -> Result<Vec<bool>, Failure> {
    let mut batch = Batch { saves, is_in: vec![true; saves.len()] };
    let records = batch.insert(connection, |save| save.record.iter().collect(), |record| &record.id);
    // Somebody is at the same request.
    let records = records.map_err(|failure| if let Failure::Blocked(_) = failure { Failure::Held } else { failure })?;
    lock_replaced(connection, saves)?;
    let new = batch.insert(connection, |save| save.new_customer().into_iter().collect(), |customer| customer.id.0)?;
    let claims = batch.insert(connection, |save| save.claims.iter().collect(), |claim| &claim.phone_number)?;
    batch.replace(connection)?;
    // Looked at after the inserts, which waited for whoever was just erasing a customer, or giving a number up.
    let stored = match batch.surprises() {
        Some(known) => EventRow::insert_unless(connection, &batch.events(), &known)?,
        None => false,
    };
    if !stored {
        batch.drop_erased(connection)?;
        batch.inherit(connection)?;
        EventRow::insert(connection, &batch.events())?;
    }
    if !batch.is_in.contains(&true) {
        // Nothing is left to be stored.
        return Err(Failure::Stale);
    }
    // What was inserted for those who have left meanwhile goes, in the opposite order.
    let claims = batch.left_behind(claims, |claim| claim.phone_number.clone());
    if !claims.is_empty() {
        let claims = phone_number_claims::table.filter(phone_number_claims::phone_number.eq_any(claims));
        diesel::delete(claims).execute(connection)?;
    }
    let new = batch.left_behind(new, |customer| customer.id);
    if !new.is_empty() {
        diesel::delete(customers::table.filter(customers::id.eq_any(new))).execute(connection)?;
    }
    let records = batch.left_behind(records, |record| record.id.clone());
    if !records.is_empty() {
        let records = idempotency_records::table.filter(idempotency_records::id.eq_any(records));
        diesel::delete(records).execute(connection)?;
    }
    Ok(batch.is_in)
}

/// Locks the customers that are changed before anything is inserted that others may wait for.
fn lock_replaced(connection: &mut Connection, saves: &[Save]) -> Result<(), Failure> {
    let replaced = saves.iter().filter(|save| save.replaces.is_some()).map(|save| save.customer.id);
    let replaced: Vec<RowId> = replaced.collect();
    // A change that is the only one locks as it writes.
    if replaced.is_empty() || saves.len() == 1 { Ok(()) } else { lock_customers(connection, &replaced) }
}

struct Batch<'a> {
    saves: &'a [Save],
    /// Which of them have collided with nothing yet.
    is_in: Vec<bool>,
}

impl<'a> Batch<'a> {
    fn rest(&self) -> impl Iterator<Item = &'a Save> {
        self.saves.iter().zip(&self.is_in).filter(|(_, is_in)| **is_in).map(|(save, _)| save)
    }

    fn events(&self) -> Vec<&'a EventRow> {
        self.rest().flat_map(|save| &save.events).collect()
    }

    /// Inserts these rows of each change, and returns those that were inserted, each with its change's place.
    fn insert<R: Bulk, K: Ord + Hash>(
        &mut self,
        connection: &mut Connection,
        rows: impl Fn(&'a Save) -> Vec<&'a R>,
        key: impl Fn(&'a R) -> K,
    ) -> Result<Vec<(usize, &'a R)>, Failure> {
        self.store(rows, key, |rows| insert_new(connection, rows))
    }

    /// Stores these rows of each change in the order of their keys, and returns those that could be, each with its change's
    /// place. One that could not takes its change out of the batch.
    fn store<R: Copy, K: Ord + Hash>(
        &mut self,
        rows: impl Fn(&'a Save) -> Vec<R>,
        key: impl Fn(R) -> K,
        store: impl FnOnce(&[R]) -> Result<Vec<bool>, Failure>,
    ) -> Result<Vec<(usize, R)>, Failure> {
        let mut seen = HashSet::new();
        let mut in_order: Vec<(usize, R)> = Vec::with_capacity(self.saves.len());
        for (index, (save, is_in)) in self.saves.iter().zip(&mut self.is_in).enumerate() {
            if *is_in {
                let rows = rows(save);
                // Of two of one batch the first may yet fail: the second is to wait for that.
                *is_in = rows.iter().all(|row| seen.insert(key(*row)));
                if *is_in {
                    in_order.extend(rows.into_iter().map(|row| (index, row)));
                }
            }
        }
        in_order.sort_by_key(|(_, row)| key(*row));
        let rows: Vec<R> = in_order.iter().map(|(_, row)| *row).collect();
        let mut stored = Vec::with_capacity(rows.len());
        for (place, is_stored) in in_order.into_iter().zip(store(&rows)?) {
            if is_stored {
                stored.push(place);
            } else if let Some(is_in) = self.is_in.get_mut(place.0) {
                *is_in = false;
            }
        }
        Ok(stored)
    }

    /// The keys of rows that were inserted for changes that are not in the batch any more.
    fn left_behind<R, K>(&self, inserted: Vec<(usize, &R)>, key: impl Fn(&R) -> K) -> Vec<K> {
        let left = inserted.into_iter().filter(|(index, _)| self.is_in.get(*index) == Some(&false));
        left.map(|(_, row)| key(row)).collect()
    }

    /// What none of the changes counts on, and hardly ever is: that the id of a new customer was used, or that something is
    /// remembered of his number. `None` where one counts on what is remembered.
    fn surprises(&self) -> Option<Known> {
        let erased = self.rest().filter_map(Save::new_customer).map(|customer| customer.id).collect();
        let mut remembered = Vec::new();
        for (number, expected) in self.rest().filter_map(|save| save.inherits.as_ref()) {
            if !expected.is_empty() {
                return None;
            }
            remembered.extend(number.all().iter().map(|hash| hash.0.to_vec()));
        }
        Some(Known { erased, remembered })
    }

    /// Takes out whoever has the id of a customer who was erased.
    fn drop_erased(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        let new: Vec<RowId> = self.rest().filter_map(Save::new_customer).map(|customer| customer.id).collect();
        let erased = erase::find_erased(connection, &new)?;
        self.keep(|save| save.new_customer().is_none_or(|customer| !erased.contains(&customer.id)));
        Ok(())
    }

    /// Takes out whoever counts on another memory of his number than there is.
    fn inherit(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        let heirs: Vec<_> = self.rest().filter_map(|save| Some((save.customer.id, save.inherits.as_ref()?))).collect();
        let numbers: Vec<&KeyedHash> = heirs.iter().map(|(_, (number, _))| number).collect();
        let memories = numbers::find_each(connection, &numbers)?;
        let mut surprised = Vec::new();
        for ((id, (number, expected)), memory) in heirs.into_iter().zip(memories) {
            if memory != *expected {
                surprised.push(id);
            } else if !memory.is_empty() {
                numbers::take(connection, number)?;
            }
        }
        self.keep(|save| !surprised.contains(&save.customer.id));
        Ok(())
    }

    /// Makes the changes of customers who were there, and what goes with them. None of those leaves the batch after this: they
    /// take no number.
    fn replace(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        let replaced = |save: &'a Save| Some((&save.customer, save.replaces?));
        let id = |(customer, _): (&CustomerRow, i64)| customer.id.0;
        self.store(|save| replaced(save).into_iter().collect(), id, |rows| replace_each(connection, rows))?;
        for save in self.rest() {
            let id = save.customer.id;
            if let Some(details) = &save.details {
                details.store(connection, id)?;
            }
            if !save.revokes_links.is_empty() {
                links::revoke(connection, id, save.revokes_links, save.customer.saved.updated_at)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, is_kept: impl Fn(&Save) -> bool) {
        for (save, is_in) in self.saves.iter().zip(&mut self.is_in) {
            *is_in = *is_in && is_kept(save);
        }
    }
}
