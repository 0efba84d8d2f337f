//! Listing customers, newest first, and finding them by what callers know of them.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use domain::Email;
use ports::{CustomerFilter, CustomerPage, CustomerPlace, CustomerQuery, StoreError};

use super::{Connection, CustomerRow, Failure, Store, write};
use crate::schema::{customers, phone_number_claims};
use crate::sql_types::{Id, Instant, RowId, RowInstant};

/// How many addresses one transaction folds.
const BATCH: usize = 500;

/// Whose `email_folded` is not of his address of today. The index of these has the same words.
const UNFOLDED: &str = "email IS DISTINCT FROM email_folded_of";

pub(super) fn page(connection: &mut Connection, query: &CustomerQuery) -> Result<CustomerPage, Failure> {
    let CustomerFilter { phone_number, email, confirmed, created_after, created_before } = &query.filter;
    let mut page = customers::table
        .order((customers::created_at.desc(), customers::id.desc()))
        // One more than asked for tells whether there are more.
        .limit(i64::from(query.limit) + 1)
        .select(CustomerRow::as_select())
        .into_boxed();
    if let Some(number) = phone_number {
        let holder = phone_number_claims::table.find(number.as_str()).select(phone_number_claims::customer_id);
        page = page.filter(customers::id.nullable().eq(holder.single_value()));
    }
    if let Some(email) = email {
        page = page.filter(customers::email_folded.eq(email.folded()));
    }
    page = match confirmed {
        None => page,
        Some(true) => page.filter(customers::phone_number.is_not_null()),
        Some(false) => page.filter(customers::phone_number.is_null()),
    };
    if let Some(time) = created_after {
        page = page.filter(customers::created_at.ge(RowInstant::from(*time)));
    }
    // One end is enough: of two, SQLite begins at the one of its choice, and reads from there what was seen before.
    match (query.after, created_before) {
        (Some(after), before) if before.is_none_or(|before| after.created_at < before) => {
            let CustomerPlace { created_at, id } = after;
            // What diesel has no expression for, both databases read alike, and by the index.
            let place = sql::<Bool>("(customers.created_at, customers.id) < (")
                .bind::<Instant, _>(RowInstant::from(created_at))
                .sql(", ")
                .bind::<Id, _>(RowId(id.uuid()))
                .sql(")");
            page = page.filter(place);
        }
        (_, Some(before)) => page = page.filter(customers::created_at.lt(RowInstant::from(*before))),
        (_, None) => {}
    }
    let mut rows: Vec<CustomerRow> = page.load(connection)?;
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let customers = rows.into_iter().map(CustomerRow::into_customer).collect::<Result<_, _>>()?;
    Ok(CustomerPage { customers, more })
}

impl Store {
    /// Folds the addresses of those whom a release saved that does not know how: while old processes go on beside new
    /// ones, and before. Costs a look into an empty index where there are none, which is nearly always.
    pub(super) async fn fold_emails(&self) -> Result<(), StoreError> {
        if self.readers.run(|connection| unfolded(connection, 1)).await?.is_empty() {
            return Ok(());
        }
        while self.writers.run(|connection| write(connection, fold_batch)).await? == BATCH {}
        Ok(())
    }
}

fn unfolded(connection: &mut Connection, limit: usize) -> Result<Vec<(RowId, Option<String>)>, Failure> {
    // In the order of the index, in which two who do this at once lock rows, too.
    let unfolded = customers::table
        .filter(sql::<Bool>(UNFOLDED))
        .order(customers::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((customers::id, customers::email));
    Ok(unfolded.load(connection)?)
}

/// Bookkeeping: it moves no version. Returns how many were folded.
fn fold_batch(connection: &mut Connection) -> Result<usize, Failure> {
    let mut rows = 0;
    for (id, email) in unfolded(connection, BATCH)? {
        // What is no address is nothing that a caller can ask for.
        let folded = email.as_ref().map(|email| Email::stored(email).map_or_else(|| email.clone(), |it| it.folded()));
        // Whoever changes the address meanwhile folds it, or leaves the row to be found again.
        let is_unchanged = sql::<Bool>("email IS NOT DISTINCT FROM ").bind::<Nullable<Text>, _>(&email);
        let row = customers::table.find(id).filter(is_unchanged);
        let columns = (customers::email_folded.eq(folded), customers::email_folded_of.eq(&email));
        rows += diesel::update(row).set(columns).execute(connection)?;
    }
    Ok(rows)
}
