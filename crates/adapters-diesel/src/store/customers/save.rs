//! Saving a change: customer, claims and events in one transaction.

use diesel::dsl::case_when;
use diesel::prelude::*;
use domain::{Change, CustomerId, LinkPurpose};
use ports::SaveError;

use super::{Connection, CustomerRow, DetailRows, EventRow, Failure, links, write};
use crate::failure::Unique;
use crate::schema::{customers, phone_number_claims};
use crate::sql_types::{RowId, RowInstant};

/// How often a number whose holder is gone when he is looked up is claimed again.
const CLAIMS: u32 = 5;

/// A change in the form of its rows, so that a repetition costs nothing but the statements.
pub(super) struct Save {
    replaces: Option<i64>,
    customer: CustomerRow,
    claims: Vec<ClaimRow>,
    details: Option<DetailRows>,
    revokes_links: &'static [LinkPurpose],
    events: Vec<EventRow>,
}

#[derive(Insertable)]
#[diesel(table_name = phone_number_claims)]
struct ClaimRow {
    phone_number: String,
    customer_id: RowId,
}

impl Save {
    pub(super) fn of(change: &Change) -> Result<Self, Failure> {
        let customer = CustomerRow::of(change.customer());
        let claim = |number: &domain::PhoneNumber| ClaimRow {
            phone_number: number.as_str().to_owned(),
            customer_id: customer.id,
        };
        let updated_at = customer.saved.updated_at;
        let details = match (change.details(), change.events().first()) {
            (None, _) => None,
            (Some(details), Some(event)) => {
                Some(DetailRows::of(change.customer().id(), details, event.id.uuid(), updated_at))
            }
            (Some(_), None) => return Err(Failure::Rejected("a detail changes and no event tells of it".to_owned())),
        };
        Ok(Self {
            replaces: change.replaces(),
            claims: change.claims().iter().map(claim).collect(),
            details,
            revokes_links: change.revokes_links(),
            events: change.events().iter().map(EventRow::of).collect::<Result<_, _>>()?,
            customer,
        })
    }

    /// Stores the change, or says why callers cannot have it. What fails otherwise is the outer error.
    pub(super) fn run(&self, connection: &mut Connection) -> Result<Result<(), SaveError>, Failure> {
        for _ in 0..CLAIMS {
            match write(connection, |connection| self.store(connection)) {
                Ok(()) => return Ok(Ok(())),
                Err(Failure::Stale) => return Ok(Err(SaveError::VersionConflict)),
                Err(Failure::Taken(Unique::CustomerId)) => return Ok(Err(SaveError::CustomerIdTaken)),
                Err(Failure::Taken(Unique::PhoneNumber)) => {
                    if let Some(taken) = self.holder(connection)? {
                        return Ok(Err(taken));
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Contended("a number was claimed and freed again and again".to_owned()))
    }

    /// The customer comes first, so that of a taken id and a taken number the id is reported.
    fn store(&self, connection: &mut Connection) -> Result<(), Failure> {
        match self.replaces {
            None => {
                diesel::insert_into(customers::table).values(&self.customer).execute(connection)?;
            }
            Some(version) => self.update(connection, version)?,
        }
        for claim in &self.claims {
            diesel::insert_into(phone_number_claims::table).values(claim).execute(connection)?;
        }
        if let Some(details) = &self.details {
            details.store(connection, self.customer.id)?;
        }
        if !self.revokes_links.is_empty() {
            links::revoke(connection, self.customer.id, self.revokes_links, self.customer.saved.updated_at)?;
        }
        self.events.iter().try_for_each(|event| event.insert(connection))
    }

    /// When the token was sent is written by others, without a new version; here it is cleared, where there is a new
    /// token, and else left alone. Of a confirmed customer, when the token was made is left alone too.
    fn update(&self, connection: &mut Connection, version: i64) -> Result<(), Failure> {
        let CustomerRow { id, token_generated_at, saved, .. } = &self.customer;
        let replaced = customers::table.find(id).filter(customers::version.eq(version));
        let rows = match token_generated_at {
            None => diesel::update(replaced).set(saved).execute(connection)?,
            Some(generated_at) => {
                let same_token = customers::token_generated_at
                    .eq(generated_at)
                    .and(customers::confirmation_token.eq(&saved.confirmation_token));
                let sent_at = case_when(same_token, customers::confirmation_sent_at).otherwise(None::<RowInstant>);
                let token =
                    (customers::token_generated_at.eq(generated_at), customers::confirmation_sent_at.eq(sent_at));
                diesel::update(replaced).set((saved, token)).execute(connection)?
            }
        };
        if rows == 1 { Ok(()) } else { Err(Failure::Stale) }
    }

    /// Who holds a number that was refused; nobody, where he is gone meanwhile.
    fn holder(&self, connection: &mut Connection) -> Result<Option<SaveError>, Failure> {
        let numbers = self.claims.iter().map(|claim| &claim.phone_number);
        let holder: Option<(RowId, String, Option<String>)> = phone_number_claims::table
            .inner_join(customers::table)
            .filter(phone_number_claims::phone_number.eq_any(numbers))
            .filter(phone_number_claims::customer_id.ne(self.customer.id))
            .select((phone_number_claims::customer_id, phone_number_claims::phone_number, customers::phone_number))
            .first(connection)
            .optional()?;
        Ok(holder.map(|(id, claimed, proved)| SaveError::PhoneNumberTaken {
            holder: CustomerId::from(id.0),
            confirmed: proved == Some(claimed),
        }))
    }
}
