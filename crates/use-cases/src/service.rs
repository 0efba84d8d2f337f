//! The service: its ports, its policies, and how a change is made.

use std::sync::Arc;

use domain::{
    Change, ConfirmationPolicy, Customer, CustomerId, Decision, DeliveryPolicy, DetailChange, LinkPolicy, Moment,
    NumberMemory, PhoneNumber, PhoneValidation, TimeDelta,
};
use ports::{
    ApiKeyRepository, Beside, CardProvider, Clock, CustomerRepository, DeliveryRepository, DetachmentQueue,
    EndpointRepository, EventBroker, EventOutbox, EventSignal, HashPurpose, IdGenerator, IdempotencyRecord,
    IdempotencyStore, InstallationRepository, KeyedHash, LinkRepository, ProviderCustomerRepository, Readiness,
    ReceiverRepository, RetentionRepository, SaveError, Secrets, TokenGenerator, WebhookSender,
};
use tokio::sync::Notify;

use crate::authenticate::KeyCache;
use crate::terms::Recorder;
use crate::{Answer, Caller, Failure, IfMatch, Terms};

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
    pub idempotency: Arc<dyn IdempotencyStore>,
    pub retention: Arc<dyn RetentionRepository>,
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
    /// How long what came of a request is answered again.
    pub idempotency_ttl: TimeDelta,
    /// How long a customer may stay unconfirmed before he is erased; for ever, where there is none.
    pub unconfirmed_ttl: Option<TimeDelta>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            phone_validation: PhoneValidation::default(),
            confirmation: ConfirmationPolicy::default(),
            links: LinkPolicy::default(),
            deliveries: DeliveryPolicy::default(),
            event_retention: TimeDelta::days(30),
            idempotency_ttl: TimeDelta::hours(24),
            unconfirmed_ttl: None,
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
    /// Told when a customer was erased in this process.
    pub(crate) erased: Notify,
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
            erased: Notify::new(),
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
        if_match: &IfMatch,
        decide: impl Fn(&Customer) -> Decision<T>,
    ) -> Result<T, Failure> {
        self.change_after(id, if_match, async || Ok(()), |customer, ()| decide(customer)).await
    }

    /// The same, once: a request that is sent again is answered as it was.
    pub(crate) async fn change_once<T>(
        &self,
        caller: Caller,
        id: CustomerId,
        terms: Terms<'_, T>,
        decide: impl Fn(&Customer) -> Decision<T>,
    ) -> Result<Answer<T>, Failure> {
        self.change_once_after(caller, id, terms, async || Ok(()), |customer, ()| decide(customer)).await
    }

    /// The same for a decision that needs more than the customer, see [`change_after`](Self::change_after).
    pub(crate) async fn change_once_after<T, L>(
        &self,
        caller: Caller,
        id: CustomerId,
        terms: Terms<'_, T>,
        load: impl AsyncFn() -> Result<L, Failure>,
        decide: impl Fn(&Customer, L) -> Decision<T>,
    ) -> Result<Answer<T>, Failure> {
        let Terms { if_match, once } = terms;
        self.once(caller, once, async |recorder| {
            self.change_recorded(id, &if_match, Some(recorder), load, decide).await
        })
        .await
    }

    /// [`change`](Self::change) for a decision that needs more than the customer. `load` runs after he was loaded, so that
    /// what changes with his version cannot change unseen between loading and storing.
    pub(crate) async fn change_after<T, L>(
        &self,
        id: CustomerId,
        if_match: &IfMatch,
        load: impl AsyncFn() -> Result<L, Failure>,
        decide: impl Fn(&Customer, L) -> Decision<T>,
    ) -> Result<T, Failure> {
        self.change_recorded(id, if_match, None, load, decide).await
    }

    async fn change_recorded<T, L>(
        &self,
        id: CustomerId,
        if_match: &IfMatch,
        recorder: Option<&Recorder<'_, T>>,
        load: impl AsyncFn() -> Result<L, Failure>,
        decide: impl Fn(&Customer, L) -> Decision<T>,
    ) -> Result<T, Failure> {
        for _ in 0..Self::MAX_TRIES {
            let customer = self.find_customer(id).await?;
            if_match.check(&customer)?;
            let Decision { change, outcome } = decide(&customer, load().await?);
            match self.store_recorded(id, change, recorder, outcome.as_ref()).await {
                Err(SaveError::VersionConflict) => {}
                Err(SaveError::PhoneNumberTaken { holder, confirmed: false }) if self.frees_number(holder).await? => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(outcome?),
            }
        }
        Err(Failure::Contended)
    }

    /// Stores a change of a customer with the record of what came of the request, where it is to be recorded.
    pub(crate) async fn store_recorded<T>(
        &self,
        id: CustomerId,
        change: Option<Change>,
        recorder: Option<&Recorder<'_, T>>,
        outcome: Result<&T, &domain::Refusal>,
    ) -> Result<(), SaveError> {
        let Some(recorder) = recorder else { return self.store(change, None).await };
        match (change, outcome) {
            // A refusal that changes nothing may be asked for again.
            (None, Err(_)) => return Ok(()),
            (None, Ok(_)) => {
                if let Some(record) = recorder.record(Some(id), outcome) {
                    self.ports.idempotency.keep_record(record).await?;
                }
            }
            (Some(change), _) => {
                let record = recorder.record(Some(id), outcome);
                self.store(Some(change), record).await?;
            }
        }
        recorder.note_stored();
        Ok(())
    }

    pub(crate) async fn store(
        &self,
        change: Option<Change>,
        record: Option<IdempotencyRecord>,
    ) -> Result<(), SaveError> {
        let Some(change) = change else { return Ok(()) };
        let remembered = change.releases().iter().filter(|(_, memory)| !memory.is_empty());
        let memories = remembered.map(|(number, memory)| (self.hash_of(number), memory.clone())).collect();
        let inherits = change.inherits().map(|(number, memory)| (self.hash_of(number), memory.clone()));
        self.ports.customers.save(&change, Beside { record, inherits, memories }).await?;
        if !change.events().is_empty() {
            self.ports.signal.announce();
        }
        if change.erases() || matches!(change.details(), Some(DetailChange::Card { detaches: Some(_), .. })) {
            self.card_to_detach.notify_one();
        }
        Ok(())
    }

    /// Whether a customer who waits for a number has waited too long, or is gone: then it may be asked for again.
    pub(crate) async fn frees_number(&self, holder: CustomerId) -> Result<bool, Failure> {
        let Some(customer) = self.ports.customers.find(holder).await? else { return Ok(true) };
        if !customer.is_change_overdue(self.ports.clock.now(), &self.policies.confirmation) {
            return Ok(false);
        }
        self.find_customer(holder).await?;
        Ok(true)
    }

    /// What is remembered of a number that somebody gave up.
    pub(crate) async fn memory_of(&self, number: &PhoneNumber) -> Result<NumberMemory, Failure> {
        Ok(self.ports.customers.find_number_memory(self.hash_of(number)).await?)
    }

    fn hash_of(&self, number: &PhoneNumber) -> KeyedHash {
        self.ports.secrets.keyed_hash(HashPurpose::PhoneNumber, number.as_str().as_bytes())
    }
}
