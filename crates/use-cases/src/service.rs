//! The service: its ports, its policies, and how a change is made.

use std::sync::Arc;

use domain::{
    ConfirmationPolicy, Customer, CustomerId, Decision, DeliveryPolicy, DetailChange, LinkPolicy, Moment,
    PhoneValidation, TimeDelta,
};
use ports::{
    ApiKeyRepository, CardProvider, Clock, CustomerRepository, DeliveryRepository, DetachmentQueue, EndpointRepository,
    EventBroker, EventOutbox, EventSignal, IdGenerator, InstallationRepository, LinkRepository,
    ProviderCustomerRepository, Readiness, ReceiverRepository, SaveError, Secrets, TokenGenerator, WebhookSender,
};
use tokio::sync::Notify;

use crate::Failure;
use crate::authenticate::KeyCache;

/// What the service needs of the world.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its trait, which says what it is")]
pub struct Ports {
    pub customers: Arc<dyn CustomerRepository>,
    pub events: Arc<dyn EventOutbox>,
    pub signal: Arc<dyn EventSignal>,
    pub receivers: Arc<dyn ReceiverRepository>,
    pub endpoints: Arc<dyn EndpointRepository>,
    pub deliveries: Arc<dyn DeliveryRepository>,
    pub webhooks: Arc<dyn WebhookSender>,
    pub broker: Option<Arc<dyn EventBroker>>,
    pub links: Arc<dyn LinkRepository>,
    pub card_provider: Option<Arc<dyn CardProvider>>,
    pub provider_customers: Arc<dyn ProviderCustomerRepository>,
    pub detachments: Arc<dyn DetachmentQueue>,
    pub api_keys: Arc<dyn ApiKeyRepository>,
    pub installation: Arc<dyn InstallationRepository>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGenerator>,
    pub tokens: Arc<dyn TokenGenerator>,
    pub secrets: Arc<dyn Secrets>,
}

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct Policies {
    /// How strictly numbers are checked.
    pub phone_validation: PhoneValidation,
    /// How numbers are proved.
    pub confirmation: ConfirmationPolicy,
    /// How long links live.
    pub links: LinkPolicy,
    /// When failed deliveries are tried again.
    pub deliveries: DeliveryPolicy,
    /// How long events are kept that nobody waits for.
    pub event_retention: TimeDelta,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            phone_validation: PhoneValidation::default(),
            confirmation: ConfirmationPolicy::default(),
            links: LinkPolicy::default(),
            deliveries: DeliveryPolicy::default(),
            event_retention: TimeDelta::days(30),
        }
    }
}

/// The service. Each use case is a method, in a file of its own.
pub struct Service {
    pub(crate) ports: Ports,
    pub(crate) policies: Policies,
    pub(crate) key_cache: KeyCache,
    /// Told when a webhook endpoint was made or changed in this process.
    pub(crate) endpoints_changed: Notify,
    /// Told when a card that is to be removed at its provider was put into the queue in this process.
    pub(crate) card_to_detach: Notify,
}

impl Service {
    /// How often a lost race is tried again. Of n requests that race for one customer, each round lets one through,
    /// and most of the others are refused by what it did; what still loses after this many is told to come back.
    pub(crate) const MAX_TRIES: usize = 16;

    /// A service on these ports.
    pub fn new(ports: Ports, policies: Policies) -> Self {
        Self {
            ports,
            policies,
            key_cache: KeyCache::default(),
            endpoints_changed: Notify::new(),
            card_to_detach: Notify::new(),
        }
    }

    /// How strictly numbers are checked, for whoever reads them from a request.
    pub fn phone_validation(&self) -> PhoneValidation {
        self.policies.phone_validation
    }

    /// A fresh id for a request that brings none of its own.
    pub fn request_id(&self) -> String {
        self.ports.ids.request_id().to_string()
    }

    /// Whether the service can serve.
    ///
    /// # Errors
    /// When the store gives no answer.
    pub async fn readiness(&self) -> Result<Readiness, Failure> {
        Ok(self.ports.installation.readiness().await?)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.ports.clock.now(), event_id: self.ports.ids.event_id() }
    }

    /// Loads a customer, lets `decide` say what happens, stores it, and only then reports the outcome. Where the
    /// customer changed between loading and storing, all of it happens anew.
    pub(crate) async fn change<T>(
        &self,
        id: CustomerId,
        decide: impl Fn(&Customer) -> Decision<T>,
    ) -> Result<T, Failure> {
        self.change_after(id, async || Ok(()), |customer, ()| decide(customer)).await
    }

    /// The same for a decision that needs more than the customer. `load` runs after he was loaded, so that what
    /// changes with his version cannot change unseen between loading and storing.
    pub(crate) async fn change_after<T, L>(
        &self,
        id: CustomerId,
        load: impl AsyncFn() -> Result<L, Failure>,
        decide: impl Fn(&Customer, L) -> Decision<T>,
    ) -> Result<T, Failure> {
        for _ in 0..Self::MAX_TRIES {
            let customer = self.ports.customers.find(id).await?.ok_or(Failure::CustomerNotFound)?;
            let Decision { change, outcome } = decide(&customer, load().await?);
            match self.store(change).await {
                Err(SaveError::VersionConflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(outcome?),
            }
        }
        Err(Failure::Contended)
    }

    pub(crate) async fn store(&self, change: Option<domain::Change>) -> Result<(), SaveError> {
        let Some(change) = change else { return Ok(()) };
        self.ports.customers.save(&change).await?;
        if !change.events().is_empty() {
            self.ports.signal.announce();
        }
        if let Some(DetailChange::Card { detaches: Some(_), .. }) = change.details() {
            self.card_to_detach.notify_one();
        }
        Ok(())
    }
}
