//! What is kept beside the customer's row: addresses and a card.

use diesel::prelude::*;
use domain::{
    Address, AddressParts, AddressPurpose, Addresses, Card, CardParts, CountryCode, CustomerId, DetailChange,
};
use uuid::Uuid;

use super::{Connection, DetachmentRow, Failure};
use crate::row::Row;
use crate::schema::{addresses, card_detachments, cards};
use crate::sql_types::{RowId, RowInstant};

/// Columns whose text may be no text at all.
const ADDRESS_TEXTS: [&str; 9] =
    ["purpose", "name", "company", "line1", "line2", "postal_code", "city", "region", "country"];
const CARD_TEXTS: [&str; 5] = ["provider", "payment_method", "setup", "brand", "last4"];

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = addresses, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct AddressRow {
    customer_id: RowId,
    purpose: String,
    name: String,
    company: Option<String>,
    line1: String,
    line2: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    country: String,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = cards)]
pub(super) struct CardRow {
    customer_id: RowId,
    provider: String,
    payment_method: String,
    setup: String,
    brand: String,
    last4: String,
    exp_month: i64,
    exp_year: i64,
    updated_at: RowInstant,
}

/// A change beside the customer's row, in the form of its rows.
pub(super) enum DetailRows {
    SetAddress(Box<AddressRow>),
    RemoveAddress(AddressPurpose),
    Card { card: Option<Box<CardRow>>, detaches: Option<DetachmentRow> },
}

impl DetailRows {
    /// `id` is of the detachment, should there be one: the id of the change's event, which no other change has.
    pub(super) fn of(customer: CustomerId, change: &DetailChange, id: Uuid, at: RowInstant) -> Self {
        match change {
            DetailChange::Address(purpose, Some(address)) => {
                Self::SetAddress(Box::new(AddressRow::of(customer, *purpose, address)))
            }
            DetailChange::Address(purpose, None) => Self::RemoveAddress(*purpose),
            DetailChange::Card { card, detaches } => Self::Card {
                card: card.as_ref().map(|card| Box::new(CardRow::of(customer, card))),
                detaches: detaches.as_ref().map(|card| {
                    let parts = card.parts();
                    DetachmentRow::new(id, &parts.provider, &parts.payment_method, at)
                }),
            },
        }
    }

    pub(super) fn store(&self, connection: &mut Connection, customer: RowId) -> Result<(), Failure> {
        match self {
            Self::SetAddress(row) => {
                diesel::insert_into(addresses::table)
                    .values(row.as_ref())
                    .on_conflict((addresses::customer_id, addresses::purpose))
                    .do_update()
                    .set(row.as_ref())
                    .execute(connection)?;
            }
            Self::RemoveAddress(purpose) => {
                diesel::delete(addresses::table.find((customer, purpose.as_str()))).execute(connection)?;
            }
            Self::Card { card, detaches } => {
                match card {
                    Some(row) => diesel::insert_into(cards::table)
                        .values(row.as_ref())
                        .on_conflict(cards::customer_id)
                        .do_update()
                        .set(row.as_ref())
                        .execute(connection)?,
                    None => diesel::delete(cards::table.find(customer)).execute(connection)?,
                };
                if let Some(row) = detaches {
                    diesel::insert_into(card_detachments::table).values(row).execute(connection)?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn find_addresses(connection: &mut Connection, id: CustomerId) -> Result<Addresses, Failure> {
    let rows: Vec<AddressRow> = addresses::table
        .filter(addresses::customer_id.eq(RowId(id.uuid())))
        .select(AddressRow::as_select())
        .load(connection)
        .map_err(|error| Row::new("addresses", id.uuid()).unreadable(error, &ADDRESS_TEXTS))?;
    let mut found = Addresses::default();
    for row in rows {
        let (purpose, address) = row.into_address()?;
        found.set(purpose, Some(address));
    }
    Ok(found)
}

pub(super) fn find_card(connection: &mut Connection, id: CustomerId) -> Result<Option<Card>, Failure> {
    let row: Option<CardRow> = cards::table
        .find(RowId(id.uuid()))
        .select(CardRow::as_select())
        .first(connection)
        .optional()
        .map_err(|error| Row::new("cards", id.uuid()).unreadable(error, &CARD_TEXTS))?;
    row.map(CardRow::into_card).transpose()
}

impl AddressRow {
    fn of(customer: CustomerId, purpose: AddressPurpose, address: &Address) -> Self {
        let parts = address.parts().clone();
        Self {
            customer_id: RowId(customer.uuid()),
            purpose: purpose.as_str().to_owned(),
            name: parts.name,
            company: parts.company,
            line1: parts.line1,
            line2: parts.line2,
            postal_code: parts.postal_code,
            city: parts.city,
            region: parts.region,
            country: parts.country.as_str().to_owned(),
        }
    }

    fn into_address(self) -> Result<(AddressPurpose, Address), Failure> {
        let row = Row::new("addresses", self.customer_id.0);
        let purpose = row.parsed("purpose", AddressPurpose::parse(&self.purpose))?;
        let parts = AddressParts {
            name: self.name,
            company: self.company,
            line1: self.line1,
            line2: self.line2,
            postal_code: self.postal_code,
            city: self.city,
            region: self.region,
            country: row.parsed("country", CountryCode::parse(&self.country).ok())?,
        };
        let address = Address::stored(parts).map_err(|field| row.corrupt(field.as_str()))?;
        Ok((purpose, address))
    }
}

impl CardRow {
    fn of(customer: CustomerId, card: &Card) -> Self {
        let parts = card.parts().clone();
        Self {
            customer_id: RowId(customer.uuid()),
            provider: parts.provider,
            payment_method: parts.payment_method,
            setup: parts.setup,
            brand: parts.brand,
            last4: parts.last4,
            exp_month: parts.exp_month.into(),
            exp_year: parts.exp_year.into(),
            updated_at: parts.updated_at.into(),
        }
    }

    fn into_card(self) -> Result<Card, Failure> {
        let row = Row::new("cards", self.customer_id.0);
        let parts = CardParts {
            provider: self.provider,
            payment_method: self.payment_method,
            setup: self.setup,
            brand: self.brand,
            last4: self.last4,
            exp_month: row.parsed("exp_month", self.exp_month.try_into().ok())?,
            exp_year: row.parsed("exp_year", self.exp_year.try_into().ok())?,
            updated_at: row.time("updated_at", self.updated_at)?,
        };
        Card::new(parts).map_err(|error| row.corrupt(error.part()))
    }
}
