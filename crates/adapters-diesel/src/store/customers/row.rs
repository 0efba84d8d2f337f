//! The customer's row, and what it means.

use chrono::DateTime;
use diesel::prelude::*;
use diesel::result::Error;
use domain::{
    Challenge, ConfirmationToken, Confirmed, CountryCode, Customer, CustomerId, CustomerParts, Email, PersonName,
    Phone, PhoneNumber, PhoneState, Profile, Proof, Throttle, Timestamp,
};

use super::Failure;
use crate::row::Row;
use crate::schema::customers;
use crate::sql_types::{RowId, RowInstant};

/// A customer's row.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = customers, treat_none_as_default_value = false)]
pub(super) struct CustomerRow {
    pub(super) id: RowId,
    pub(super) token_generated_at: Option<RowInstant>,
    confirmation_sent_at: Option<RowInstant>,
    created_at: RowInstant,
    #[diesel(embed)]
    pub(super) saved: SavedColumns,
}

/// The columns that every save writes.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = customers, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct SavedColumns {
    phone_number: Option<String>,
    unconfirmed_phone_number: String,
    country_code: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    pub(super) confirmation_token: Option<String>,
    token_wrong_tries: i64,
    confirmed_at: Option<RowInstant>,
    wrong_tries: String,
    tokens_in_row: i64,
    last_token_at: Option<RowInstant>,
    sequence: i64,
    revision: i64,
    version: i64,
    pub(super) updated_at: RowInstant,
}

const TABLE: &str = "customers";

/// The columns that are read as text.
const TEXTS: [&str; 8] = [
    "phone_number",
    "unconfirmed_phone_number",
    "country_code",
    "email",
    "first_name",
    "last_name",
    "confirmation_token",
    "wrong_tries",
];

impl CustomerRow {
    pub(super) fn of(customer: &Customer) -> Self {
        let parts = customer.parts();
        let (token_generated_at, wrong_tries) = match &parts.phone {
            PhoneState::Unconfirmed(challenge) => (Some(challenge.generated_at.into()), challenge.wrong_tries),
            PhoneState::Confirmed(_) => (None, 0),
        };
        let profile = &parts.profile;
        Self {
            id: RowId(parts.id.uuid()),
            token_generated_at,
            confirmation_sent_at: customer.confirmation_sent_at().map(RowInstant::from),
            created_at: parts.created_at.into(),
            saved: SavedColumns {
                phone_number: customer.phone_number().map(text),
                unconfirmed_phone_number: text(customer.unconfirmed_phone_number()),
                country_code: customer.country_code().as_str().to_owned(),
                email: profile.email.as_ref().map(|email| email.as_str().to_owned()),
                first_name: profile.first_name.as_ref().map(|name| name.as_str().to_owned()),
                last_name: profile.last_name.as_ref().map(|name| name.as_str().to_owned()),
                confirmation_token: customer.confirmation_token().map(ConfirmationToken::expose),
                token_wrong_tries: wrong_tries.into(),
                confirmed_at: customer.confirmed_at().map(RowInstant::from),
                wrong_tries: write_times(&parts.throttle.wrong_tries),
                tokens_in_row: parts.throttle.tokens_in_row.into(),
                last_token_at: parts.throttle.last_token_at.map(RowInstant::from),
                sequence: parts.sequence,
                revision: parts.revision,
                version: parts.version,
                updated_at: parts.updated_at.into(),
            },
        }
    }

    /// Why the row of this customer could not be read.
    pub(super) fn unreadable(id: CustomerId, error: Error) -> Failure {
        Row::new(TABLE, id.uuid()).unreadable(error, &TEXTS)
    }

    pub(super) fn into_customer(self) -> Result<Customer, Failure> {
        let row = Row::new(TABLE, self.id.0);
        let saved = &self.saved;
        let name = |name: String| PersonName::stored(&name);
        Ok(Customer::from_parts(CustomerParts {
            id: CustomerId::from(self.id.0),
            phone: self.phone_state(&row)?,
            throttle: Throttle {
                wrong_tries: row.parsed("wrong_tries", read_times(&saved.wrong_tries))?,
                tokens_in_row: row.parsed("tokens_in_row", saved.tokens_in_row.try_into().ok())?,
                last_token_at: row.optional_time("last_token_at", saved.last_token_at)?,
            },
            sequence: saved.sequence,
            revision: saved.revision,
            version: saved.version,
            created_at: row.time("created_at", self.created_at)?,
            updated_at: row.time("updated_at", saved.updated_at)?,
            profile: Profile {
                first_name: row.optional("first_name", self.saved.first_name, name)?,
                last_name: row.optional("last_name", self.saved.last_name, name)?,
                email: row.optional("email", self.saved.email, |email| Email::stored(&email))?,
            },
        }))
    }

    /// Confirmed since a time, or asked for a token.
    fn phone_state(&self, row: &Row) -> Result<PhoneState, Failure> {
        let saved = &self.saved;
        let number = PhoneNumber::from_e164(&saved.unconfirmed_phone_number).ok();
        let number = row.parsed("unconfirmed_phone_number", number)?;
        let country = row.parsed("country_code", CountryCode::parse(&saved.country_code).ok())?;
        let phone = Phone { number, country };
        let token = |token: &String| ConfirmationToken::parse(token).ok();
        let token = row.optional("confirmation_token", saved.confirmation_token.as_ref(), token)?;
        let sent_at = row.optional_time("confirmation_sent_at", self.confirmation_sent_at)?;
        let Some(confirmed_at) = row.optional_time("confirmed_at", saved.confirmed_at)? else {
            let generated_at = row.optional_time("token_generated_at", self.token_generated_at)?;
            return Ok(PhoneState::Unconfirmed(Challenge {
                phone,
                token: row.parsed("confirmation_token", token)?,
                generated_at: row.parsed("token_generated_at", generated_at)?,
                wrong_tries: row.parsed("token_wrong_tries", saved.token_wrong_tries.try_into().ok())?,
                sent_at,
            }));
        };
        // The number that was proved is the one that was to be.
        if saved.phone_number.as_deref() != Some(phone.number.as_str()) {
            return Err(row.corrupt("phone_number"));
        }
        let proof = token.map_or(Proof::Trusted, |token| Proof::Token { token, sent_at });
        Ok(PhoneState::Confirmed(Confirmed { phone, confirmed_at, proof }))
    }
}

fn text(number: &PhoneNumber) -> String {
    number.as_str().to_owned()
}

fn write_times(times: &[Timestamp]) -> String {
    let times: Vec<String> = times.iter().map(|time| time.timestamp_millis().to_string()).collect();
    times.join(" ")
}

fn read_times(text: &str) -> Option<Vec<Timestamp>> {
    text.split_whitespace().map(|time| DateTime::from_timestamp_millis(time.parse().ok()?)).collect()
}
