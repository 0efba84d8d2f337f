//! Saving a change: customer, claims and events in one transaction.

use diesel::prelude::*;
use domain::{Change, CustomerId, LinkPurpose, NumberMemory};
use ports::{Beside, KeyedHash, SaveError};

use super::{
    Connection, CustomerRow, DetailRows, EventRow, Failure, RecordRow, erase, links, numbers, replace_each, write,
};
use crate::bulk::bulk;
use crate::failure::Unique;
use crate::schema::{customers, phone_number_claims};
use crate::sql_types::{RowId, RowInstant};

/// How often a number whose holder is gone when he is looked up is claimed again.
const CLAIMS: u32 = 5;

bulk!(ClaimLists: ClaimRow { phone_number, customer_id } in phone_number_claims by phone_number: text, {
    phone_number: text,
    customer_id: id,
});

/// A change in the form of its rows, so that a repetition costs nothing but the statements.
pub(in super::super) struct Save {
    pub(super) record: Option<RecordRow>,
    pub(super) replaces: Option<i64>,
    pub(super) erases: bool,
    pub(super) customer: CustomerRow,
    pub(super) claims: Vec<ClaimRow>,
    pub(super) inherits: Option<(KeyedHash, NumberMemory)>,
    pub(super) releases: Vec<String>,
    pub(super) memories: Vec<(KeyedHash, NumberMemory)>,
    pub(super) details: Option<DetailRows>,
    pub(super) revokes_links: &'static [LinkPurpose],
    pub(super) events: Vec<EventRow>,
}

#[derive(Insertable)]
#[diesel(table_name = phone_number_claims)]
pub(super) struct ClaimRow {
    pub(super) phone_number: String,
    customer_id: RowId,
}

impl Save {
    pub(super) fn of(change: &Change, beside: Beside) -> Result<Self, Failure> {
        let customer = CustomerRow::of(change.customer());
        let claim = |number: &domain::PhoneNumber| ClaimRow {
            phone_number: number.as_str().to_owned(),
            customer_id: customer.id,
        };
        let details = match (change.details(), change.events().first()) {
            (None, _) => None,
            (Some(details), Some(event)) => {
                Some(DetailRows::of(change.customer().id(), details, event.id.uuid(), event.occurred_at.into()))
            }
            (Some(_), None) => return Err(Failure::Rejected("a detail changes and no event tells of it".to_owned())),
        };
        Ok(Self {
            record: beside.record.map(RecordRow::from),
            replaces: change.replaces(),
            erases: change.erases(),
            claims: change.claims().iter().map(claim).collect(),
            releases: change.releases().iter().map(|(number, _)| number.as_str().to_owned()).collect(),
            inherits: beside.inherits,
            memories: beside.memories,
            details,
            revokes_links: change.revokes_links(),
            events: change.events().iter().map(EventRow::of).collect::<Result<_, _>>()?,
            customer,
        })
    }

    /// The customer, where he is new.
    pub(super) fn new_customer(&self) -> Option<&CustomerRow> {
        self.replaces.is_none().then_some(&self.customer)
    }

    /// Stores the change, or says why callers cannot have it. What fails otherwise is the outer error.
    pub(super) fn run(&self, connection: &mut Connection) -> Result<Result<(), SaveError>, Failure> {
        for _ in 0..CLAIMS {
            match write(connection, |connection| self.store(connection)) {
                Ok(()) => return Ok(Ok(())),
                Err(Failure::Stale) => return Ok(Err(SaveError::VersionConflict)),
                Err(Failure::Taken(Unique::CustomerId)) => return Ok(Err(SaveError::CustomerIdTaken)),
                Err(Failure::Taken(Unique::IdempotencyRecord)) => return Ok(Err(SaveError::Repeated)),
                Err(Failure::Held) => return Ok(Err(SaveError::InProgress)),
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

    /// The record of the request comes first, then the customer, so that of a taken id and a taken number the id is
    /// reported.
    fn store(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (id, at) = (self.customer.id, self.customer.saved.updated_at);
        if let Some(record) = &self.record {
            record.insert(connection)?;
        }
        match self.replaces {
            None => {
                diesel::insert_into(customers::table).values(&self.customer).execute(connection)?;
                // Looked at after the insert, which waited for whoever was just erasing a customer of that id.
                if !erase::find_erased(connection, &[id])?.is_empty() {
                    return Err(Failure::Taken(Unique::CustomerId));
                }
            }
            Some(version) if self.erases => erase::erase(connection, id, version, self.erased_at())?,
            Some(version) => {
                if replace_each(connection, &[(&self.customer, version)])? != [true] {
                    return Err(Failure::Stale);
                }
            }
        }
        if !self.releases.is_empty() {
            let released = phone_number_claims::table
                .filter(phone_number_claims::customer_id.eq(id))
                .filter(phone_number_claims::phone_number.eq_any(&self.releases));
            diesel::delete(released).execute(connection)?;
        }
        for claim in &self.claims {
            // Asked for, and not left to the constraint: PostgreSQL writes the key of a violated one into its own log.
            let claimed = diesel::insert_into(phone_number_claims::table).values(claim);
            if claimed.on_conflict(phone_number_claims::phone_number).do_nothing().execute(connection)? == 0 {
                return Err(Failure::Taken(Unique::PhoneNumber));
            }
        }
        if let Some((number, expected)) = &self.inherits
            // Looked at after the claim, which waited for whoever was just giving the number up.
            && numbers::take(connection, number)? != *expected
        {
            return Err(Failure::Stale);
        }
        self.memories.iter().try_for_each(|(number, memory)| numbers::add(connection, number, memory))?;
        if let Some(details) = &self.details {
            details.store(connection, id)?;
        }
        if !self.revokes_links.is_empty() {
            links::revoke(connection, id, self.revokes_links, at)?;
        }
        EventRow::insert(connection, &self.events.iter().collect::<Vec<_>>())
    }

    /// When the event happened that tells of it.
    fn erased_at(&self) -> RowInstant {
        self.events.first().map_or(self.customer.saved.updated_at, EventRow::occurred_at)
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
