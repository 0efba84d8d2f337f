//! What `serve --dev` prints for whoever tries the service for the first time.

use std::net::SocketAddr;

use use_cases::{CreateApiKey, Scope, Service};

use crate::commands::{self, Failure};

/// Prints the address, a key when there is no usable one yet, and a line that creates a customer.
pub(crate) async fn print(service: &Service, address: SocketAddr) -> Result<(), Failure> {
    let has_key = service.list_api_keys().await?.iter().any(|(key, usable)| *usable && key.scope == Scope::Write);
    let key = if has_key {
        None
    } else {
        let command = CreateApiKey { name: "dev".to_owned(), scope: Scope::Write, expires_in: None };
        Some(service.create_api_key(command).await?)
    };

    commands::print(&format!("\nCustomers is ready at http://{address}\n"))?;
    let shown = if let Some(key) = &key {
        commands::print(&format!("Your API key, shown this once:\n\n  {}\n", key.expose()))?;
        key.expose()
    } else {
        let binary = std::env::args().next().unwrap_or_else(|| "customers".to_owned());
        commands::print("Put your API key in the place of YOUR_KEY; if you have lost it, this makes another:\n")?;
        commands::print(&format!("  {binary} keys create --name dev\n"))?;
        "YOUR_KEY"
    };
    commands::print("Create a customer:\n")?;
    commands::print(&format!(
        "  curl -i -X POST -H 'Authorization: Bearer {shown}' -H 'Content-Type: application/json' \
         -d '{{\"unconfirmed_phone_number\": \"(418) 581-0827\", \"country_code\": \"CA\"}}' http://{address}/v1/customers\n"
    ))
}
