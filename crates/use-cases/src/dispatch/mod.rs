//! Deliver events to all who are to get them.
//!
//! A receiver is a webhook endpoint, the message broker, or the service's own log. Each has a place in the log of events
//! and a lease; the process that holds the lease runs the receiver's worker. [`Dispatcher`] takes, renews and gives up
//! leases and starts and ends workers; what a worker does stands in the other files.

mod broker_worker;
mod circuit_breaker;
mod endpoint_worker;
mod log_worker;
mod prune;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ports::{LEASE_TIME, Lease, LeaseHolder, ReceiverId, StoreError, StoredEndpoint};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout};

use self::broker_worker::BrokerWorker;
use self::endpoint_worker::EndpointWorker;
use self::log_worker::LogWorker;
pub(crate) use self::waiting::POLL;
use self::waiting::Stop;
use crate::Service;

/// How often the dispatcher looks for endpoints that are new or changed and for leases that nobody holds.
const TICK: Duration = Duration::from_secs(1);
/// How often leases are renewed: twice may fail before one is lost.
const RENEW: Duration = Duration::from_secs(8);
/// How long workers may take to finish what is under way when the service stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a worker needs to know of its lease.
#[derive(Clone)]
struct HeldLease {
    lease: Lease,
    /// Until when it surely lasts.
    until: watch::Receiver<Instant>,
}

impl HeldLease {
    /// Whether it surely lasts still. Asked before each send: a process that was paused may have lost it.
    fn is_held(&self) -> bool {
        Instant::now() < *self.until.borrow()
    }
}

/// A worker that runs. Dropped, it is told to end.
struct Worker {
    until: watch::Sender<Instant>,
    /// Of a webhook endpoint, its settings.
    endpoint: Option<watch::Sender<Arc<StoredEndpoint>>>,
    stop: watch::Sender<bool>,
}

/// Takes leases and runs the workers of those that it holds.
struct Dispatcher {
    service: Arc<Service>,
    holder: LeaseHolder,
    workers: HashMap<ReceiverId, Worker>,
    tasks: JoinSet<()>,
    receivers: HashMap<Id, ReceiverId>,
    renewed: Instant,
}

impl Service {
    /// Delivers events until `stop` turns true (or its sender is gone), then finishes what is under way in a bounded
    /// time and gives its leases up.
    pub async fn dispatch_events(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut dispatcher = Dispatcher {
            holder: self.ports.ids.lease_holder(),
            service: self.clone(),
            workers: HashMap::new(),
            tasks: JoinSet::new(),
            receivers: HashMap::new(),
            renewed: Instant::now(),
        };
        tokio::select! {
            () = dispatcher.run() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        dispatcher.end().await;
    }
}

impl Dispatcher {
    async fn run(&mut self) {
        let mut is_known = false;
        loop {
            let done = async {
                if !is_known {
                    self.register().await?;
                }
                self.tick().await
            };
            match done.await {
                Ok(()) => is_known = true,
                Err(error) => tracing::warn!(%error, "events are not dispatched; trying again"),
            }
            let changed = self.service.endpoints_changed.notified();
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(TICK) => {}
                Some(ended) = self.tasks.join_next_with_id() => self.note_end(ended),
            }
        }
    }

    /// The receivers that need no endpoint.
    fn standing(&self) -> Vec<ReceiverId> {
        let broker = self.service.ports.broker.is_some().then_some(ReceiverId::BROKER);
        [ReceiverId::LOG].into_iter().chain(broker).collect()
    }

    async fn register(&self) -> Result<(), StoreError> {
        for receiver in self.standing() {
            self.service.ports.receivers.register(receiver).await?;
        }
        Ok(())
    }

    /// Starts and ends workers so that they are those of the leases that this process holds.
    async fn tick(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        let endpoints = self.service.ports.endpoints.list().await?;
        let endpoints: HashMap<ReceiverId, Arc<StoredEndpoint>> = endpoints
            .into_iter()
            .filter(|stored| stored.endpoint.disabled.is_none())
            .map(|stored| (stored.endpoint.id.into(), Arc::new(stored)))
            .collect();
        let wanted: HashSet<ReceiverId> = self.standing().into_iter().chain(endpoints.keys().copied()).collect();
        self.workers.retain(|receiver, _| wanted.contains(receiver));
        for (receiver, worker) in &self.workers {
            if let (Some(settings), Some(endpoint)) = (&worker.endpoint, endpoints.get(receiver)) {
                settings.send_if_modified(|old| {
                    let is_new = old != endpoint;
                    if is_new {
                        *old = endpoint.clone();
                    }
                    is_new
                });
            }
        }

        let is_renewing = now.duration_since(self.renewed) >= RENEW;
        let idle = wanted.iter().filter(|receiver| is_renewing || !self.workers.contains_key(receiver));
        let taken = self.service.ports.receivers.take_leases(self.holder, idle.copied().collect()).await?;
        let until = now + LEASE_TIME;
        if is_renewing {
            // What was held and was not given again is somebody else's.
            self.workers.retain(|receiver, _| taken.contains(receiver));
            self.renewed = now;
        }
        for receiver in taken {
            match self.workers.get(&receiver) {
                Some(worker) => drop(worker.until.send(until)),
                None => self.start(receiver, until, endpoints.get(&receiver)),
            }
        }
        Ok(())
    }

    fn start(&mut self, receiver: ReceiverId, until: Instant, endpoint: Option<&Arc<StoredEndpoint>>) {
        // One that was told to end may still be at it: the next tick finds it gone.
        if self.receivers.values().any(|running| *running == receiver) {
            return;
        }
        let (until, held) = watch::channel(until);
        let (stop, stopped) = watch::channel(false);
        let lease = HeldLease { lease: Lease { receiver, holder: self.holder }, until: held };
        let (service, stop_sign) = (self.service.clone(), Stop::new(stopped));
        let (settings, task) = match (endpoint, receiver, &self.service.ports.broker) {
            (Some(endpoint), ..) => {
                let (settings, current) = watch::channel(endpoint.clone());
                let worker = EndpointWorker::new(service, lease, current, stop_sign);
                (Some(settings), self.tasks.spawn(worker.run()))
            }
            (None, ReceiverId::BROKER, Some(broker)) => {
                let worker = BrokerWorker::new(service, broker.clone(), lease, stop_sign);
                (None, self.tasks.spawn(worker.run()))
            }
            (None, ..) => (None, self.tasks.spawn(LogWorker::new(service, lease, stop_sign).run())),
        };
        self.receivers.insert(task.id(), receiver);
        self.workers.insert(receiver, Worker { until, endpoint: settings, stop });
    }

    /// A worker has ended: because it was told to, because it lost its lease, or by a defect. Where it is still wanted,
    /// the next tick starts another.
    fn note_end(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(is_panic = error.is_panic(), "a worker that delivers events ended by a defect");
                error.id()
            }
        };
        if let Some(receiver) = self.receivers.remove(&id) {
            self.workers.remove(&receiver);
        }
    }

    async fn end(mut self) {
        for worker in self.workers.values() {
            // A worker that has ended hears nothing.
            let _ = worker.stop.send(true);
        }
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(LAST_WORDS, finished).await;
        self.tasks.shutdown().await;
        if let Err(error) = self.service.ports.receivers.release_leases(self.holder).await {
            tracing::warn!(%error, "leases were not given up; others take over when they end");
        }
    }
}
