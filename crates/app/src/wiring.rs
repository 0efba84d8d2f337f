//! Every adapter named once: from settings to a service.

use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters_cards::{StripeCards, TestCards};
use adapters_diesel::Database;
use adapters_events::{NatsBroker, NatsSettings, WebhookClient};
use adapters_http::CardRoutes;
use adapters_system::{DerivedSecrets, RandomTokens, SecretKey, SystemClock, UuidIds, random_key};
use use_cases::{CardProvider, EventBroker, Ports, Readiness, SecretFailure, Service};

use crate::commands::Failure;
use crate::secret_file;
use crate::settings::{Cards, Settings};

/// How often a service that was started without migrating looks whether it can verify its secret key.
const VERIFY_INTERVAL: Duration = Duration::from_secs(1);

/// What a start is made of.
pub(crate) struct Wired {
    pub(crate) service: Service,
    /// For whoever also listens to it.
    pub(crate) database: Database,
    /// The browser's side of the card provider that this process plays itself.
    pub(crate) card_routes: Option<CardRoutes>,
}

/// Opens the database, brings its schema up to this release (unless `migrate` is false), verifies the secret key, and
/// puts the service together.
pub(crate) async fn service(settings: &Settings, migrate: bool) -> Result<Service, Failure> {
    Ok(wire(settings, migrate).await?.service)
}

/// The same with all that a server needs beside it.
pub(crate) async fn wire(settings: &Settings, migrate: bool) -> Result<Wired, Failure> {
    // What cannot be used is told before anything is done.
    let (secrets, broker, cards) = (secrets(settings)?, broker(settings)?, cards(settings)?);
    let webhooks = webhooks(settings);
    let database =
        adapters_diesel::connect(&settings.database_url).await.map_err(|error| database_failure(settings, error))?;
    if migrate {
        let ran = database.migrate().await.map_err(|error| database_failure(settings, error))?;
        for migration in ran {
            tracing::info!(migration, "migrated");
        }
    }
    let mut ports = ports(database.clone(), webhooks.await?, secrets);
    (ports.broker, ports.card_provider) = (broker, cards.provider);
    let service = Service::new(ports, settings.policies.clone());
    verify(settings, &service).await?;
    Ok(Wired { service, database, card_routes: cards.routes })
}

/// The client for webhooks. It reads the machine's certificate authorities, a hundred files or more, while the database is
/// waited for. (The broker and the card provider, where there are some, are made before that: they say whether their settings
/// can be used.)
fn webhooks(settings: &Settings) -> impl Future<Output = Result<WebhookClient, Failure>> {
    let (source, networks) = (settings.event_source(), settings.webhook_networks.clone());
    let client = actix_web::rt::task::spawn_blocking(move || WebhookClient::new(source, networks));
    async {
        let failed = |error: &dyn Display| Failure::failed(format!("webhooks: {error}"));
        client.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

/// The ports, without those that an operator may leave out.
fn ports(database: Database, webhooks: WebhookClient, secrets: DerivedSecrets) -> Ports {
    Ports {
        customers: database.customers,
        events: database.events,
        signal: database.signal,
        receivers: database.receivers,
        endpoints: database.endpoints,
        deliveries: database.deliveries,
        webhooks: Arc::new(webhooks),
        broker: None,
        links: database.links,
        card_provider: None,
        provider_customers: database.provider_customers,
        detachments: database.detachments,
        idempotency: database.idempotency,
        retention: database.retention,
        api_keys: database.api_keys,
        installation: database.installation,
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidIds),
        tokens: Arc::new(RandomTokens),
        secrets: Arc::new(secrets),
    }
}

/// The card provider, where there is one, and the browser's side of one that this process plays itself.
#[derive(Default)]
struct CardWiring {
    provider: Option<Arc<dyn CardProvider>>,
    routes: Option<CardRoutes>,
}

fn cards(settings: &Settings) -> Result<CardWiring, Failure> {
    match &settings.cards {
        Cards::None => Ok(CardWiring::default()),
        Cards::Test => {
            let cards = Arc::new(TestCards::new(random_key()));
            let routes = CardRoutes { path: TestCards::PATH, configure: Arc::new(cards.clone().routes()) };
            Ok(CardWiring { provider: Some(cards), routes: Some(routes) })
        }
        Cards::Stripe(stripe) => {
            let cards = StripeCards::new(stripe);
            let cards = cards.map_err(|error| Failure::unusable(format!("CUSTOMERS_STRIPE_SECRET_KEY: {error}")))?;
            Ok(CardWiring { provider: Some(Arc::new(cards)), routes: None })
        }
    }
}

/// The message broker, where there is one. It is connected to when there is something to publish.
fn broker(settings: &Settings) -> Result<Option<Arc<dyn EventBroker>>, Failure> {
    let Some(url) = settings.nats_url.clone() else { return Ok(None) };
    let nats = NatsSettings { url, credentials: settings.nats_credentials.clone(), source: settings.event_source() };
    match NatsBroker::new(nats) {
        Ok(broker) => Ok(Some(Arc::new(broker))),
        Err(error) => Err(Failure::unusable(format!("CUSTOMERS_NATS_URL or CUSTOMERS_NATS_CREDENTIALS: {error}"))),
    }
}

fn secrets(settings: &Settings) -> Result<DerivedSecrets, Failure> {
    let current = match (&settings.secret_key, settings.database_url.sqlite_path()) {
        (Some(key), _) => key.clone(),
        (None, Some(database)) => secret_beside(database)?,
        (None, None) => return Err(Failure::failed("CUSTOMERS_SECRET_KEY is not set")),
    };
    Ok(DerivedSecrets::new(&current, settings.secret_key_previous.as_ref()))
}

/// The key in the file beside the database, which is made with it. A database that is there without its key file has
/// lost it, or was used with a key from elsewhere: a new key would be wrong. (Looked at in this order, so that another
/// start at the same time, which makes the key first, is not mistaken for that.)
fn secret_beside(database: &Path) -> Result<SecretKey, Failure> {
    let is_used = std::fs::metadata(database).is_ok_and(|file| file.len() > 0);
    let path = secret_file::path_beside(database);
    let key = if is_used { secret_file::load(&path) } else { secret_file::load_or_create(&path) };
    key.map_err(|error| match error.kind() {
        ErrorKind::NotFound if is_used => Failure::unusable(format!(
            "CUSTOMERS_SECRET_KEY is not set, and the database's key file {} is not there; bring back the one or set \
             the other",
            path.display()
        )),
        _ => Failure::failed(format!("the secret key in {}: {error}", path.display())),
    })
}

/// Stops a start with a wrong secret key. Where the schema is too old to tell, which only a start without migrating
/// meets, [`verify_once_migrated`] does it later.
async fn verify(settings: &Settings, service: &Service) -> Result<(), Failure> {
    match service.verify_secret().await {
        Ok(()) => reseal(settings, service).await,
        Err(SecretFailure::Wrong) => Err(wrong_secret()),
        Err(SecretFailure::Store(error)) => match service.readiness().await {
            Ok(Readiness::MigrationsPending) => Ok(()),
            _ => Err(database_failure(settings, error)),
        },
    }
}

/// After a rotation, seals anew what the previous key sealed.
async fn reseal(settings: &Settings, service: &Service) -> Result<(), Failure> {
    if settings.secret_key_previous.is_some() {
        service.reseal_secrets().await?;
    }
    Ok(())
}

/// Waits until the schema is this release's, where it was not at the start, and then verifies the secret key. Returns
/// when that is wrong.
pub(crate) async fn verify_once_migrated(settings: &Settings, service: &Service) -> Failure {
    loop {
        if let Ok(Readiness::Ready) = service.readiness().await {
            match service.verify_secret().await {
                Ok(()) => match reseal(settings, service).await {
                    Ok(()) => std::future::pending().await,
                    Err(failure) => tracing::warn!(%failure, "secrets are not sealed anew yet"),
                },
                Err(SecretFailure::Wrong) => return wrong_secret(),
                Err(SecretFailure::Store(_)) => {}
            }
        }
        tokio::time::sleep(VERIFY_INTERVAL).await;
    }
}

fn wrong_secret() -> Failure {
    Failure::unusable(
        "CUSTOMERS_SECRET_KEY (or the key file beside the database) is not the one that this database was used with; \
         it must be that one, or CUSTOMERS_SECRET_KEY_PREVIOUS must be",
    )
}

fn database_failure(settings: &Settings, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the database {}: {error}", settings.database_url.redacted()))
}
