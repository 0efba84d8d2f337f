//! Erase a customer.

use domain::{CustomerId, Timestamp};

use crate::{Caller, Failure, IfMatch, Service};

/// How many ids are read at once.
const BATCH: u32 = 500;

impl Service {
    /// Erases a customer and all that is kept about him: here at once, at the card provider and the message broker as
    /// soon as they can be reached. His numbers are free; his id is used for ever.
    ///
    /// # Errors
    /// [`Failure::Forbidden`], [`Failure::CustomerNotFound`], [`Failure::PreconditionFailed`], [`Failure::Contended`], or
    /// the store's.
    pub async fn erase_customer(&self, caller: Caller, id: CustomerId, if_match: &IfMatch) -> Result<(), Failure> {
        caller.require_write()?;
        let moment = self.moment();
        let card = async || Ok(self.ports.customers.find_card(id).await?);
        self.change_after(id, if_match, card, |customer, card| customer.erase(card.as_ref(), moment)).await?;
        tracing::info!(customer_id = %id, key_id = %caller.key_id, "a customer was erased");
        self.erased.notify_one();
        Ok(())
    }

    /// The ids of all customers who were erased, with the time of it, in the order of the ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn erased_customers(&self) -> Result<Vec<(CustomerId, Timestamp)>, Failure> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|(id, _)| *id);
            let page = self.ports.retention.erased_customers(after, BATCH).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}
