//! SQLite and PostgreSQL behind the repository ports: one set of queries, two databases.
//!
//! Everything that is written against a database stands once, under `store/`, and is compiled twice: as
//! `sqlite::store` and as `postgresql::store`. In there, `super` at its top is the database: its connection type, how
//! a write transaction begins, and the few statements that the two spell differently. What needs no database (the
//! schema, the lanes that carry calls to blocking threads, what goes wrong) is compiled once.
//!
//! To add a query: write it under `store/`, in the DSL of diesel, beside its row and its mapping. To add a column: a
//! migration of the same name under `migrations/sqlite` and `migrations/postgresql`, then `schema.rs`, then the row.

#![expect(clippy::duplicate_mod, reason = "the queries are compiled once for each database")]

mod answer;
mod bulk;
mod failure;
mod gather;
mod lane;
mod listener;
mod postgresql;
mod row;
mod schema;
mod signal;
mod slack;
mod sql_types;
mod sqlite;
mod url;

use std::sync::Arc;

use async_trait::async_trait;
// Named for their features alone: both client libraries are compiled in.
use libsqlite3_sys as _;
use ports::{
    ApiKeyRepository, CustomerRepository, DeliveryRepository, DetachmentQueue, EndpointRepository, EventOutbox,
    EventSignal, IdempotencyStore, InstallationRepository, LinkRepository, ProviderCustomerRepository,
    ReceiverRepository, RetentionRepository, StoreError,
};
use pq_sys as _;

use listener::Listener;
use signal::Signal;

pub use url::{DatabaseUrl, DatabaseUrlError};

/// A database behind the ports.
#[derive(Clone)]
pub struct Database {
    /// Customers.
    pub customers: Arc<dyn CustomerRepository>,
    /// The events of their changes.
    pub events: Arc<dyn EventOutbox>,
    /// Tells when there are new ones.
    pub signal: Arc<dyn EventSignal>,
    /// Who is to get them.
    pub receivers: Arc<dyn ReceiverRepository>,
    /// Webhook endpoints.
    pub endpoints: Arc<dyn EndpointRepository>,
    /// Deliveries to them.
    pub deliveries: Arc<dyn DeliveryRepository>,
    /// Links to their own pages.
    pub links: Arc<dyn LinkRepository>,
    /// Who customers are at card providers.
    pub provider_customers: Arc<dyn ProviderCustomerRepository>,
    /// Cards that are to be removed there.
    pub detachments: Arc<dyn DetachmentQueue>,
    /// What came of requests that may be sent again.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// What has had its time.
    pub retention: Arc<dyn RetentionRepository>,
    /// API keys.
    pub api_keys: Arc<dyn ApiKeyRepository>,
    /// The installation itself.
    pub installation: Arc<dyn InstallationRepository>,
    migrations: Arc<dyn Migrations>,
    own_signal: Arc<Signal>,
    url: DatabaseUrl,
}

/// Makes the schema this release's.
#[async_trait]
trait Migrations: Send + Sync {
    /// Runs the migrations that are pending and returns their names.
    async fn migrate(&self) -> Result<Vec<String>, StoreError>;
}

/// That other processes are listened to. Dropped, it ends.
pub struct Listening(#[expect(dead_code, reason = "held for its drop")] Option<Listener>);

/// Opens the database of `url`.
///
/// PostgreSQL is connected to when it is first needed, so that a service may start before it; until it answers, every
/// call is [`StoreError::Unavailable`]. SQLite's file is made here, readable by its owner alone.
///
/// # Errors
/// When SQLite's file cannot be opened.
pub async fn connect(url: &DatabaseUrl) -> Result<Database, StoreError> {
    match (url.sqlite_path(), url.postgresql_url()) {
        (Some(path), _) => Ok(Database::over(url, sqlite::connect(path).await?)),
        (None, Some(full)) => Ok(Database::over(url, postgresql::connect(&full))),
        (None, None) => Err(StoreError::Rejected("a URL of neither database".to_owned())),
    }
}

impl Database {
    fn over<S>(url: &DatabaseUrl, store: S) -> Self
    where
        S: CustomerRepository
            + EventOutbox
            + ReceiverRepository
            + EndpointRepository
            + DeliveryRepository
            + LinkRepository
            + ProviderCustomerRepository
            + DetachmentQueue
            + IdempotencyStore
            + RetentionRepository
            + ApiKeyRepository
            + InstallationRepository
            + Migrations
            + 'static,
    {
        let store = Arc::new(store);
        let signal = Arc::new(Signal::new());
        Self {
            customers: store.clone(),
            events: store.clone(),
            signal: signal.clone(),
            receivers: store.clone(),
            endpoints: store.clone(),
            deliveries: store.clone(),
            links: store.clone(),
            provider_customers: store.clone(),
            detachments: store.clone(),
            idempotency: store.clone(),
            retention: store.clone(),
            api_keys: store.clone(),
            installation: store.clone(),
            migrations: store,
            own_signal: signal,
            url: url.clone(),
        }
    }

    /// Begins to hear of events that other processes store, and to tell them of this one's, until what is returned is
    /// dropped. On PostgreSQL this takes a connection of its own; SQLite has nothing of the kind.
    pub fn listen(&self) -> Listening {
        Listening(self.url.postgresql_url().map(|url| Listener::start(url, self.own_signal.clone())))
    }

    /// Makes the schema this release's and returns the names of the migrations that ran; none, without taking a lock,
    /// where none was pending. Several processes may do this at once: one runs them, the others wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.migrations.migrate().await
    }
}
