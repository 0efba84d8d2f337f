//! Customers: finding one by his id, listing them, saving a change.

mod details;
mod erase;
mod list;
mod numbers;
mod row;
mod save;

use async_trait::async_trait;
use diesel::prelude::*;
use domain::{Addresses, Card, Change, Customer, CustomerId, NumberMemory};
use ports::{Beside, CustomerPage, CustomerQuery, CustomerRepository, KeyedHash, SaveError, StoreError};

use self::details::DetailRows;
use self::row::CustomerRow;
use self::save::Save;
use super::cards::{DetachmentRow, abandon_setups};
use super::events::EventRow;
use super::idempotency::RecordRow;
use super::{Connection, Failure, Store, deliveries, idempotency, links, lock_for_removal, write};
use crate::schema::customers;
use crate::sql_types::RowId;

#[async_trait]
impl CustomerRepository for Store {
    async fn find(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.readers
            .run(move |connection| {
                let row: Option<CustomerRow> = customers::table
                    .find(RowId(id.uuid()))
                    .select(CustomerRow::as_select())
                    .first(connection)
                    .optional()
                    .map_err(|error| CustomerRow::unreadable(id, error))?;
                row.map(CustomerRow::into_customer).transpose()
            })
            .await
    }

    async fn find_addresses(&self, id: CustomerId) -> Result<Addresses, StoreError> {
        self.readers.run(move |connection| details::find_addresses(connection, id)).await
    }

    async fn find_card(&self, id: CustomerId) -> Result<Option<Card>, StoreError> {
        self.readers.run(move |connection| details::find_card(connection, id)).await
    }

    async fn list(&self, query: CustomerQuery) -> Result<CustomerPage, StoreError> {
        if query.filter.email.is_some() {
            self.fold_emails().await?;
        }
        self.readers.run(move |connection| list::page(connection, &query)).await
    }

    async fn find_number_memory(&self, number: KeyedHash) -> Result<NumberMemory, StoreError> {
        self.readers.run(move |connection| numbers::find(connection, &number)).await
    }

    async fn save(&self, change: &Change, beside: Beside) -> Result<(), SaveError> {
        let save = Save::of(change, beside).map_err(StoreError::from)?;
        self.writers.run(move |connection| save.run(connection)).await?
    }
}
