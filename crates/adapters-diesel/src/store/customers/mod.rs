//! Customers: finding one by his id, listing them, saving a change.

mod details;
mod erase;
mod find;
mod list;
mod numbers;
mod row;
mod save;
mod together;

use async_trait::async_trait;
use domain::{Addresses, Card, Change, Customer, CustomerId, NumberMemory};
use ports::{Beside, CustomerPage, CustomerQuery, CustomerRepository, KeyedHash, SaveError, StoreError};

use self::details::DetailRows;
pub(super) use self::find::FindCustomer;
pub(super) use self::numbers::FindNumberMemory;
use self::row::CustomerRow;
pub(super) use self::save::Save;
use super::cards::{DetachmentRow, abandon_setups};
use super::events::EventRow;
use super::idempotency::RecordRow;
use super::{
    Backend, Connection, Failure, Store, deliveries, idempotency, insert_new, links, lock_customers, lock_for_removal,
    read_all, reading, replace_each, write, write_together,
};

#[async_trait]
impl CustomerRepository for Store {
    async fn find(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        self.finds.ask(FindCustomer(id)).await
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
        self.number_memories.ask(FindNumberMemory(number)).await
    }

    async fn save(&self, change: &Change, beside: Beside) -> Result<(), SaveError> {
        self.saves.ask(Save::of(change, beside).map_err(StoreError::from)?).await?
    }
}
