//! What the service does, one file a use case: load, ask the domain, save once.
//!
//! [`Service`] holds the ports; each use case is a method of it in a file of its own. A use case authorises, takes
//! time, ids and tokens from their ports, lets the domain decide, stores the change in one `save`, and only then
//! reports. A lost race is decided anew, a bounded number of times. Nothing here knows HTTP or SQL.

mod authenticate;
mod change_number;
mod confirm_customer;
mod create_customer;
mod detach_cards;
mod dispatch;
mod erase_customer;
mod export_customer;
mod failure;
mod fill_address_form;
mod fill_card_form;
mod form_session;
mod generate_confirmation;
mod inspect_deliveries;
mod list_customers;
mod manage_addresses;
mod manage_api_keys;
mod manage_card;
mod manage_webhook_endpoints;
mod open_link;
mod read_events;
mod retain;
mod retrieve_customer;
mod service;
mod terms;
#[cfg(test)]
mod testing;
mod update_customer;
mod verification;
mod verify_secret;

pub use authenticate::Caller;
pub use change_number::ChangeNumber;
pub use create_customer::CreateCustomer;
pub use export_customer::PersonalData;
pub use failure::Failure;
pub use fill_card_form::CardStep;
pub use list_customers::{CustomerList, ListCustomers};
pub use manage_api_keys::CreateApiKey;
pub use manage_webhook_endpoints::{CreateEndpoint, UpdateEndpoint, WebhookUrl};
pub use open_link::{LinkState, OpenLink};
pub use ports::{
    ApiKey, ApiKeyId, ApiKeySecret, CardBrowser, CardProvider, CardProviderError, CustomerFilter, DeliveryPage,
    DeliveryQuery, DeliveryStatusFilter, EventBroker, EventPage, EventQuery, LinkCode, Readiness, Scope, StoreError,
    StoredEvent, WebhookSecret,
};
pub use retrieve_customer::CustomerLinks;
pub use service::{Policies, Ports, Service};
pub use terms::{Answer, IfMatch, Once, Terms};
pub use update_customer::UpdateCustomer;
pub use verify_secret::SecretFailure;
