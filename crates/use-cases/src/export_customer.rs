//! Everything that is stored about a customer.

use domain::{Addresses, Card, Customer, CustomerId, Delivery, Link, Verification};
use ports::{EventQuery, StoredEvent};

use crate::{Failure, Service};

/// How many events are read at once.
const BATCH: u32 = 100;

/// Everything that is stored about a customer, for himself (GDPR, articles 15 and 20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalData {
    /// The customer.
    pub customer: Customer,
    /// Where the proof of his number stands.
    pub verification: Verification,
    /// His addresses.
    pub addresses: Addresses,
    /// His card.
    pub card: Option<Card>,
    /// Who he is at the card provider.
    pub provider_customer: Option<String>,
    /// The links to his pages, oldest first.
    pub links: Vec<Link>,
    /// The events about him, oldest first.
    pub events: Vec<StoredEvent>,
    /// Where they were sent, oldest first.
    pub deliveries: Vec<Delivery>,
}

impl Service {
    /// Everything that is stored about a customer.
    ///
    /// # Errors
    /// [`Failure::CustomerNotFound`], [`Failure::Contended`] where events are removed again and again while they are read,
    /// or the store's.
    pub async fn export_customer(&self, id: CustomerId) -> Result<PersonalData, Failure> {
        let ports = &self.ports;
        let customer = self.find_customer(id).await?;
        let events = self.all_events(id).await?;
        let provider_customer = match &ports.card_provider {
            Some(provider) => ports.provider_customers.find_provider_customer(id, provider.name()).await?,
            None => None,
        };
        let data = PersonalData {
            verification: self.verification_of(&customer),
            customer,
            addresses: ports.customers.find_addresses(id).await?,
            card: ports.customers.find_card(id).await?,
            provider_customer,
            links: ports.links.all(id).await?,
            events,
            deliveries: ports.deliveries.of_customer(id).await?,
        };
        // Of who was erased meanwhile only a part was read.
        ports.customers.find(id).await?.ok_or(Failure::CustomerNotFound)?;
        Ok(data)
    }

    /// All events about a customer, oldest first.
    async fn all_events(&self, id: CustomerId) -> Result<Vec<StoredEvent>, Failure> {
        'anew: for _ in 0..Self::MAX_TRIES {
            let mut events: Vec<StoredEvent> = Vec::new();
            loop {
                let after = events.last().map(|event| event.id);
                let query = EventQuery { after, customer_id: Some(id), limit: BATCH };
                // The event to go on from has had its time meanwhile.
                let Some(page) = self.ports.events.page(query).await? else { continue 'anew };
                events.extend(page.events);
                if !page.more {
                    return Ok(events);
                }
            }
        }
        Err(Failure::Contended)
    }
}
