//! The customer's row, and what it means.

use std::sync::OnceLock;

use diesel::AppearsOnTable;
use diesel::dsl::SqlTypeOf;
use diesel::expression::ValidGrouping;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryBuilder, QueryFragment, QueryId};
use diesel::result::Error;
use domain::{
    Challenge, ConfirmationToken, Confirmed, CountryCode, Customer, CustomerId, CustomerParts, Email, NumberChange,
    NumberMemory, PersonName, Phone, PhoneNumber, PhoneState, Profile, Proof, Throttle,
};

use super::{Backend, Failure};
use crate::bulk::{Replace, bulk};
use crate::row::{Row, read_times, write_times};
use crate::schema::customers;
use crate::sql_types::{RowId, RowInstant};

/// A customer's row.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = customers, treat_none_as_default_value = false)]
pub(super) struct CustomerRow {
    pub(super) id: RowId,
    pub(super) token_generated_at: Option<RowInstant>,
    pub(super) confirmation_sent_at: Option<RowInstant>,
    held_sent_at: Option<RowInstant>,
    created_at: RowInstant,
    #[diesel(embed)]
    pub(super) saved: SavedColumns,
}

/// The columns that every save writes.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = customers, treat_none_as_default_value = false)]
pub(super) struct SavedColumns {
    phone_number: Option<String>,
    pub(super) unconfirmed_phone_number: String,
    country_code: String,
    pub(super) next_country_code: Option<String>,
    change_requested_at: Option<RowInstant>,
    held_token: Option<String>,
    email: Option<String>,
    email_folded: Option<String>,
    /// What it was made of: releases that do not know these columns leave both as they are.
    email_folded_of: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    pub(super) confirmation_token: Option<String>,
    token_wrong_tries: i64,
    confirmed_at: Option<RowInstant>,
    wrong_tries: String,
    tokens_in_row: i64,
    last_token_at: Option<RowInstant>,
    token_times: String,
    number_wrong_tries: String,
    sequence: i64,
    revision: i64,
    version: i64,
    pub(super) updated_at: RowInstant,
}

bulk!(CustomerLists: CustomerRow {
    id,
    token_generated_at,
    confirmation_sent_at,
    held_sent_at,
    created_at,
    saved: SavedColumns {
        phone_number,
        unconfirmed_phone_number,
        country_code,
        next_country_code,
        change_requested_at,
        held_token,
        email,
        email_folded,
        email_folded_of,
        first_name,
        last_name,
        confirmation_token,
        token_wrong_tries,
        confirmed_at,
        wrong_tries,
        tokens_in_row,
        last_token_at,
        token_times,
        number_wrong_tries,
        sequence,
        revision,
        version,
        updated_at,
    },
} in customers by id: id, {
    id: id,
    token_generated_at: optional_time,
    confirmation_sent_at: optional_time,
    held_sent_at: optional_time,
    created_at: time,
    phone_number: optional_text,
    unconfirmed_phone_number: text,
    country_code: text,
    next_country_code: optional_text,
    change_requested_at: optional_time,
    held_token: optional_text,
    email: optional_text,
    email_folded: optional_text,
    email_folded_of: optional_text,
    first_name: optional_text,
    last_name: optional_text,
    confirmation_token: optional_text,
    token_wrong_tries: number,
    confirmed_at: optional_time,
    wrong_tries: text,
    tokens_in_row: number,
    last_token_at: optional_time,
    token_times: text,
    number_wrong_tries: text,
    sequence: number,
    revision: number,
    version: number,
    updated_at: time,
});

/// When the token was sent is written by others, without a new version. Where the token stays, it is left alone; where
/// it is another, it is what the change says of that one. What a token that is put aside says of it is what the row
/// says when it is put aside. When the token of a number was made that waits no more is left alone too.
impl Replace for CustomerRow {
    const ASSIGNED: &'static [(&'static str, &'static str)] = &[
        ("created_at", "customers.created_at"),
        ("token_generated_at", "COALESCE(new.token_generated_at, customers.token_generated_at)"),
        (
            "confirmation_sent_at",
            "CASE WHEN customers.unconfirmed_phone_number = new.unconfirmed_phone_number \
                 AND customers.confirmation_token = new.confirmation_token \
                 AND COALESCE(new.token_generated_at = customers.token_generated_at, new.token_generated_at IS NULL) \
             THEN customers.confirmation_sent_at ELSE new.confirmation_sent_at END",
        ),
        (
            "held_sent_at",
            "CASE WHEN new.token_generated_at IS NULL THEN NULL \
                 WHEN new.next_country_code IS NOT NULL AND customers.next_country_code IS NULL \
             THEN customers.confirmation_sent_at ELSE customers.held_sent_at END",
        ),
    ];
}

/// The columns of a [`CustomerRow`] in one piece. diesel goes through an expression three times whenever its statement is
/// used: for thirty columns that is a third of what a read costs SQLite.
#[derive(Clone, Copy, QueryId, ValidGrouping)]
pub(super) struct Columns;

type Selection = <CustomerRow as Selectable<Backend>>::SelectExpression;

impl Expression for Columns {
    type SqlType = SqlTypeOf<Selection>;
}

impl SelectableExpression<customers::table> for Columns {}

impl AppearsOnTable<customers::table> for Columns {}

impl QueryFragment<Backend> for Columns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        static TEXT: OnceLock<String> = OnceLock::new();
        let text = if let Some(text) = TEXT.get() {
            text
        } else {
            let mut builder = <Backend as diesel::backend::Backend>::QueryBuilder::default();
            <CustomerRow as Selectable<Backend>>::construct_selection().to_sql(&mut builder, &Backend::default())?;
            TEXT.get_or_init(|| builder.finish())
        };
        out.push_sql(text);
        Ok(())
    }
}

const TABLE: &str = "customers";

/// The columns that are read as text.
const TEXTS: [&str; 14] = [
    "phone_number",
    "unconfirmed_phone_number",
    "country_code",
    "next_country_code",
    "held_token",
    "token_times",
    "number_wrong_tries",
    "email",
    "email_folded",
    "email_folded_of",
    "first_name",
    "last_name",
    "confirmation_token",
    "wrong_tries",
];

impl CustomerRow {
    pub(super) fn of(customer: &Customer) -> Self {
        let parts = customer.parts();
        let challenge = customer.challenge();
        let change = match &parts.phone {
            PhoneState::Unconfirmed(_) | PhoneState::Confirmed(_) => None,
            PhoneState::Changing(change) => Some(change),
        };
        let profile = &parts.profile;
        let email = profile.email.as_ref().map(|email| email.as_str().to_owned());
        Self {
            id: RowId(parts.id.uuid()),
            token_generated_at: challenge.map(|challenge| challenge.generated_at.into()),
            held_sent_at: change.and_then(|change| change.held.sent_at()).map(RowInstant::from),
            confirmation_sent_at: customer.confirmation_sent_at().map(RowInstant::from),
            created_at: parts.created_at.into(),
            saved: SavedColumns {
                phone_number: customer.phone_number().map(text),
                unconfirmed_phone_number: text(customer.unconfirmed_phone_number()),
                country_code: customer.country_code().as_str().to_owned(),
                email_folded: profile.email.as_ref().map(Email::folded),
                email_folded_of: email.clone(),
                email,
                first_name: profile.first_name.as_ref().map(|name| name.as_str().to_owned()),
                last_name: profile.last_name.as_ref().map(|name| name.as_str().to_owned()),
                confirmation_token: customer.confirmation_token().map(ConfirmationToken::expose),
                next_country_code: change.map(|change| change.next.phone.country.as_str().to_owned()),
                change_requested_at: change.map(|change| change.requested_at.into()),
                held_token: change.and_then(|change| change.held.token()).map(ConfirmationToken::expose),
                token_wrong_tries: challenge.map_or(0, |challenge| challenge.wrong_tries).into(),
                confirmed_at: customer.confirmed_at().map(RowInstant::from),
                wrong_tries: write_times(&parts.throttle.wrong_tries),
                tokens_in_row: parts.throttle.tokens_in_row.into(),
                last_token_at: parts.throttle.last_token_at.map(RowInstant::from),
                token_times: write_times(&parts.throttle.number.tokens),
                number_wrong_tries: write_times(&parts.throttle.number.wrong_tries),
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
                number: NumberMemory {
                    wrong_tries: row.parsed("number_wrong_tries", read_times(&saved.number_wrong_tries))?,
                    tokens: row.parsed("token_times", read_times(&saved.token_times))?,
                },
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

    /// Asked for a token, confirmed since a time, or both.
    fn phone_state(&self, row: &Row) -> Result<PhoneState, Failure> {
        let saved = &self.saved;
        let number = |column, text: &str| row.parsed(column, PhoneNumber::from_e164(text).ok());
        let country = |column, code: &str| row.parsed(column, CountryCode::parse(code).ok());
        let token = |token: &String| ConfirmationToken::parse(token).ok();
        let token_in = |column, stored: &Option<String>| row.optional(column, stored.as_ref(), token);
        let unconfirmed = number("unconfirmed_phone_number", &saved.unconfirmed_phone_number)?;
        let region = country("country_code", &saved.country_code)?;
        let current = token_in("confirmation_token", &saved.confirmation_token)?;
        let sent_at = row.optional_time("confirmation_sent_at", self.confirmation_sent_at)?;
        let challenge = |phone| {
            let generated_at = row.optional_time("token_generated_at", self.token_generated_at)?;
            Ok::<_, Failure>(Challenge {
                phone,
                token: row.parsed("confirmation_token", current)?,
                generated_at: row.parsed("token_generated_at", generated_at)?,
                wrong_tries: row.parsed("token_wrong_tries", saved.token_wrong_tries.try_into().ok())?,
                sent_at,
            })
        };
        let proof = |token: Option<ConfirmationToken>, sent_at| {
            token.map_or(Proof::Trusted, |token| Proof::Token { token, sent_at })
        };
        let Some(confirmed_at) = row.optional_time("confirmed_at", saved.confirmed_at)? else {
            return Ok(PhoneState::Unconfirmed(challenge(Phone { number: unconfirmed, country: region })?));
        };
        let proved = number("phone_number", saved.phone_number.as_deref().unwrap_or_default())?;
        let Some(next) = &saved.next_country_code else {
            // The number that was proved is the one that was to be.
            if proved != unconfirmed {
                return Err(row.corrupt("phone_number"));
            }
            let phone = Phone { number: proved, country: region };
            return Ok(PhoneState::Confirmed(Confirmed { phone, confirmed_at, proof: proof(current, sent_at) }));
        };
        let held_token = token_in("held_token", &saved.held_token)?;
        let held_sent_at = row.optional_time("held_sent_at", self.held_sent_at)?;
        let requested_at = row.optional_time("change_requested_at", saved.change_requested_at)?;
        Ok(PhoneState::Changing(NumberChange {
            held: Confirmed {
                phone: Phone { number: proved, country: region },
                confirmed_at,
                proof: proof(held_token, held_sent_at),
            },
            next: challenge(Phone { number: unconfirmed, country: country("next_country_code", next)? })?,
            requested_at: row.parsed("change_requested_at", requested_at)?,
        }))
    }
}

fn text(number: &PhoneNumber) -> String {
    number.as_str().to_owned()
}
