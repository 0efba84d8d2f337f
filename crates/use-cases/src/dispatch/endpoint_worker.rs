//! The worker of one webhook endpoint: queue what is new, send what is due, record what came of it.

use std::collections::HashSet;
use std::sync::Arc;

use domain::{AfterTry, DeliveryId, DisabledReason, TimeDelta, Timestamp, WebhookEndpoint};
use ports::{
    DueDelivery, LeaseError, NewDelivery, RecordedTry, StoredEndpoint, StoredEvent, WebhookMessage, WebhookReply,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::HeldLease;
use super::circuit_breaker::CircuitBreaker;
use super::waiting::{News, POLL, STORE_PAUSE, Stop};
use crate::Service;
use crate::manage_webhook_endpoints::SigningSecrets;

/// How many deliveries to one endpoint are under way at once.
pub(super) const AT_ONCE: usize = 64;
/// How many events are queued at once.
const BATCH: u32 = 500;

/// A delivery that was sent, and what came of it.
pub(super) struct Sent {
    pub(super) due: DueDelivery,
    pub(super) reply: WebhookReply,
}

/// The worker. It holds in memory what is under way, at most [`AT_ONCE`] deliveries; all else waits in the store.
pub(super) struct EndpointWorker {
    service: Arc<Service>,
    lease: HeldLease,
    settings: watch::Receiver<Arc<StoredEndpoint>>,
    stop: Stop,
    news: News,
    breaker: CircuitBreaker,
    sends: JoinSet<Sent>,
    /// What is under way, or ended and is not recorded yet.
    under_way: HashSet<DeliveryId>,
    ended: Vec<Sent>,
    /// What the endpoint's deliveries are signed with.
    secrets: SigningSecrets,
    /// When something will be due that is not now.
    next_due: Option<Instant>,
    /// That this worker has disabled the endpoint: nothing more is sent, and what is still under way says nothing new.
    is_over: bool,
}

impl EndpointWorker {
    pub(super) fn new(
        service: Arc<Service>,
        lease: HeldLease,
        settings: watch::Receiver<Arc<StoredEndpoint>>,
        stop: Stop,
    ) -> Self {
        let secrets = read_secrets(&service, &settings.borrow());
        Self {
            service,
            lease,
            settings,
            stop,
            news: News::new(),
            breaker: CircuitBreaker::new(),
            sends: JoinSet::new(),
            under_way: HashSet::new(),
            ended: Vec::new(),
            secrets,
            next_due: None,
            is_over: false,
        }
    }

    /// Works until it is told to end, or the lease is lost.
    pub(super) async fn run(mut self) {
        while !self.stop.is_told() && !self.is_over {
            match self.step().await {
                Ok(()) if self.is_over => {}
                Ok(()) => self.wait().await,
                Err(LeaseError::Lost) => {
                    tracing::info!(endpoint_id = %self.endpoint().id, "another process delivers to this endpoint now");
                    return;
                }
                Err(LeaseError::Store(error)) => {
                    tracing::warn!(%error, endpoint_id = %self.endpoint().id, "deliveries wait for the store");
                    self.stop.pause(STORE_PAUSE).await;
                }
            }
        }
        self.finish().await;
    }

    fn endpoint(&self) -> WebhookEndpoint {
        self.settings.borrow().endpoint.clone()
    }

    /// One round. What ended is recorded first: only then is it certain what is due.
    pub(super) async fn step(&mut self) -> Result<(), LeaseError> {
        while let Some(sent) = self.sends.try_join_next() {
            self.note(sent);
        }
        self.record().await?;
        if self.is_over {
            return Ok(());
        }
        if self.news.take(&*self.service.ports.signal) {
            self.enqueue().await?;
        }
        self.send_due().await
    }

    /// Waits until there is something to do: a send has ended, there is news, something is due, or the circuit breaker
    /// lets a try through.
    pub(super) async fn wait(&mut self) {
        let now = Instant::now();
        let pause = self.breaker.opens_at(now);
        let next = match (pause, self.next_due) {
            // Nothing is sent before, whatever is due.
            (Some(pause), _) => pause,
            (None, Some(next)) => next,
            (None, None) => now + POLL,
        };
        tokio::select! {
            biased;
            () = self.stop.told() => {}
            Some(sent) = self.sends.join_next() => self.note(sent),
            () = self.news.wait(&*self.service.ports.signal) => {}
            () = sleep_until(next) => {}
        }
    }

    fn note(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let Ok(sent) = sent else {
            // It stays among those under way, so that what ends by a defect is not tried again and again.
            tracing::error!(endpoint_id = %self.endpoint().id, "a delivery ended by a defect");
            return;
        };
        self.breaker.note(sent.reply.tried.status_code.is_some(), Instant::now());
        self.ended.push(sent);
    }

    /// Queues new events that the endpoint takes.
    async fn enqueue(&mut self) -> Result<(), LeaseError> {
        let ports = &self.service.ports;
        let arrivals = ports.receivers.arrivals(self.lease.lease.receiver, BATCH).await?;
        let Some(position) = arrivals.last().map(|event| event.position) else { return Ok(()) };
        if arrivals.len() >= BATCH as usize {
            // A long backlog is queued piece by piece, and what is due is sent in between.
            self.news = News::new();
        }
        let types = self.settings.borrow().endpoint.event_types.clone();
        let takes = |event: &StoredEvent| types.iter().any(|kind| kind.as_str() == event.event_type);
        let new = |event: StoredEvent| NewDelivery {
            id: ports.ids.delivery_id(),
            event_id: event.id,
            customer_id: event.customer_id,
            position: event.position,
        };
        let deliveries = arrivals.into_iter().filter(takes).map(new).collect();
        ports.deliveries.enqueue(self.lease.lease, deliveries, position, ports.clock.now()).await
    }

    /// Sends as much of what is due as may be under way.
    async fn send_due(&mut self) -> Result<(), LeaseError> {
        let most = self.breaker.allows(AT_ONCE, Instant::now());
        let free = most.saturating_sub(self.under_way.len());
        if free == 0 {
            self.next_due = None;
            return Ok(());
        }
        if self.settings.has_changed().unwrap_or_default() {
            self.secrets = read_secrets(&self.service, &self.settings.borrow_and_update());
        }
        if self.secrets.is_empty() {
            self.next_due = None;
            return Ok(());
        }
        // What is under way is still due in the store's eyes.
        let limit = u32::try_from(free + self.under_way.len()).unwrap_or(u32::MAX);
        let now = self.service.ports.clock.now();
        let due = self.service.ports.deliveries.due(self.endpoint().id, now, limit).await?;
        self.next_due = due.next_at.map(|at| Instant::now() + (at - now).to_std().unwrap_or_default());
        let fresh = due.deliveries.into_iter().filter(|due| !self.under_way.contains(&due.id)).take(free);
        for due in fresh.collect::<Vec<_>>() {
            if !self.lease.is_held() || self.stop.is_told() {
                break;
            }
            self.send(due);
        }
        Ok(())
    }

    fn send(&mut self, due: DueDelivery) {
        let now = self.service.ports.clock.now();
        let message = WebhookMessage {
            url: self.settings.borrow().endpoint.url.clone(),
            secrets: self.secrets.at(now),
            event: due.event.clone().into(),
            repeat: due.repeat,
            now,
        };
        self.under_way.insert(due.id);
        let webhooks = self.service.ports.webhooks.clone();
        self.sends.spawn(async move {
            let reply = webhooks.send(message).await;
            Sent { due, reply }
        });
    }

    /// How many are under way or not recorded yet.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Records what ended and sees what it says about the endpoint.
    async fn record(&mut self) -> Result<(), LeaseError> {
        if self.ended.is_empty() {
            return Ok(());
        }
        let now = self.service.ports.clock.now();
        let tries: Vec<RecordedTry> = self.ended.iter().map(|sent| self.judged(sent, now)).collect();
        self.service.ports.deliveries.record(self.lease.lease, tries.clone(), now).await?;
        for sent in self.ended.drain(..) {
            self.under_way.remove(&sent.due.id);
        }
        for tried in &tries {
            tell(self.lease.lease.receiver.0, tried);
        }
        if self.is_over {
            return Ok(());
        }
        let is_gone = tries.iter().any(|one| one.tried.is_gone());
        let is_well = tries.iter().any(|one| one.then == AfterTry::Accepted);
        let failing_since = self.settings.borrow().endpoint.failing_since;
        let is_failing = failing_since.is_some_and(|since| now - since >= WebhookEndpoint::MAX_FAILING);
        if is_gone {
            self.disable(DisabledReason::Gone, now).await?;
        } else if is_failing && !is_well {
            self.disable(DisabledReason::Failing, now).await?;
        }
        Ok(())
    }

    /// What happens to a delivery after a try.
    pub(super) fn judged(&self, Sent { due, reply }: &Sent, now: Timestamp) -> RecordedTry {
        let number = due.tries + 1;
        let policy = &self.service.policies.deliveries;
        let then = if reply.tried.is_accepted() {
            AfterTry::Accepted
        } else if reply.tried.is_gone() {
            // It waits for the endpoint to be enabled again, and with it the customer's later events.
            AfterTry::Retry { at: now }
        } else if self.is_of_no_use(due, reply.tried.at) {
            AfterTry::GiveUp
        } else {
            policy.after_failure(due.id, number, now, reply.retry_after)
        };
        RecordedTry {
            delivery: due.id,
            event: due.event.id,
            position: due.event.position,
            customer_id: due.event.customer_id,
            repeat: due.repeat,
            number,
            tried: reply.tried.clone(),
            then,
        }
    }

    /// Whether the event carried a token that nobody could confirm with any more when it was tried: that try was its
    /// last, so that a newer token does not wait for it.
    fn is_of_no_use(&self, due: &DueDelivery, tried_at: Timestamp) -> bool {
        let policy = &self.service.policies.confirmation;
        due.event.token_generated_at.is_some_and(|made: Timestamp| {
            let life: TimeDelta = policy.ttl + policy.grace;
            due.is_superseded || tried_at > made + life || due.wrong_tries >= policy.attempts
        })
    }

    async fn disable(&mut self, reason: DisabledReason, now: Timestamp) -> Result<(), LeaseError> {
        let id = self.endpoint().id;
        self.service.disable_endpoint(id, reason, now).await?;
        self.is_over = true;
        tracing::warn!(endpoint_id = %id, reason = reason.as_str(), "a webhook endpoint was disabled; events wait");
        Ok(())
    }

    /// Waits for what is under way and records it. Who runs the worker bounds the wait.
    async fn finish(&mut self) {
        while let Some(sent) = self.sends.join_next().await {
            self.note(sent);
        }
        if let Err(error) = self.record().await {
            tracing::warn!(%error, endpoint_id = %self.endpoint().id, "the last deliveries were not recorded");
        }
    }
}

fn read_secrets(service: &Service, stored: &StoredEndpoint) -> SigningSecrets {
    let secrets = service.signing_secrets(stored);
    if secrets.is_empty() {
        tracing::error!(
            endpoint_id = %stored.endpoint.id,
            "the endpoint's secret cannot be read with this secret key; events wait until its secret is rotated"
        );
    }
    secrets
}

/// A line in the log about a try: not the URL, not what was sent, not the answer.
fn tell(endpoint: uuid::Uuid, RecordedTry { delivery, event, number, tried, then, .. }: &RecordedTry) {
    let (endpoint_id, delivery_id, event_id) = (domain::EndpointId::from(endpoint), delivery, event);
    let (status_code, error, duration_ms) = (tried.status_code, &tried.error, tried.duration.num_milliseconds());
    if *then == AfterTry::GiveUp {
        tracing::warn!(%endpoint_id, %delivery_id, %event_id, number, status_code, error, "a delivery was given up");
    } else {
        let is_accepted = *then == AfterTry::Accepted;
        tracing::debug!(
            %endpoint_id, %delivery_id, %event_id, number, status_code, error, duration_ms, is_accepted, "a delivery was tried"
        );
    }
}
