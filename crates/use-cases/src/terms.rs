//! On which terms a change is asked for: only of the customer as the caller knows him, and once.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Customer, CustomerId, Refusal};
use ports::{HashPurpose, IdempotencyRecord, KeyedHash, SealPurpose, StoreError};

use crate::{Caller, Failure, Service};

/// On which terms a change of a customer is asked for.
pub struct Terms<'a, T> {
    /// Of which customer.
    pub if_match: IfMatch,
    /// That it is done once, however often it is asked for.
    pub once: Option<Once<'a, T>>,
}

impl<T> Default for Terms<'_, T> {
    /// Of any, and as often as it is asked for.
    fn default() -> Self {
        Self { if_match: IfMatch::default(), once: None }
    }
}

/// Which revisions of a customer a change is meant for (`If-Match`, RFC 9110, 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// Whichever it is.
    #[default]
    Any,
    /// One of these.
    Revisions(Vec<i64>),
}

impl IfMatch {
    /// Whether the change is meant for the customer as he is.
    pub(crate) fn check(&self, customer: &Customer) -> Result<(), Failure> {
        match self {
            Self::Revisions(revisions) if !revisions.contains(&customer.parts().revision) => {
                Err(Failure::PreconditionFailed)
            }
            Self::Any | Self::Revisions(_) => Ok(()),
        }
    }
}

/// A request that its sender may send again under the same key, to get the same answer.
pub struct Once<'a, T> {
    /// The key that he gave it.
    pub key: String,
    /// What is asked for, in a form in which no two requests are the same.
    pub request: Vec<u8>,
    /// Writes what is answered again.
    pub answer: &'a dyn Fn(Result<&T, &Refusal>) -> Vec<u8>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It was done now.
    Fresh(T),
    /// It had been done, and this was answered.
    Repeated(Vec<u8>),
}

impl<T> Answer<T> {
    /// What was done now, if it was.
    pub fn fresh(self) -> Option<T> {
        match self {
            Self::Fresh(value) => Some(value),
            Self::Repeated(_) => None,
        }
    }
}

/// Writes the record of one request, and reads that of one like it.
pub(crate) struct Recorder<'a, T> {
    service: &'a Service,
    once: Option<Recorded<'a, T>>,
    is_stored: AtomicBool,
}

struct Recorded<'a, T> {
    id: KeyedHash,
    fingerprint: KeyedHash,
    answer: &'a dyn Fn(Result<&T, &Refusal>) -> Vec<u8>,
}

impl Service {
    /// Does `work`, or answers what was answered to a request of the same key.
    ///
    /// Where the work fails it is looked again: another request of the key may have done it meanwhile, and is why this
    /// one could not.
    pub(crate) async fn once<'a, T>(
        &'a self,
        caller: Caller,
        once: Option<Once<'a, T>>,
        work: impl AsyncFnOnce(&Recorder<'a, T>) -> Result<T, Failure>,
    ) -> Result<Answer<T>, Failure> {
        let recorder = Recorder::new(self, caller, once);
        if let Some(answer) = recorder.replay().await? {
            return Ok(Answer::Repeated(answer));
        }
        let failure = match work(&recorder).await {
            Ok(value) => return Ok(Answer::Fresh(value)),
            Err(failure) if recorder.is_stored.load(Ordering::Relaxed) => return Err(failure),
            Err(failure) => failure,
        };
        match recorder.replay().await {
            Ok(Some(answer)) => Ok(Answer::Repeated(answer)),
            Ok(None) | Err(Failure::Store(_)) => Err(failure),
            Err(of_key) => Err(of_key),
        }
    }
}

impl<'a, T> Recorder<'a, T> {
    fn new(service: &'a Service, caller: Caller, once: Option<Once<'a, T>>) -> Self {
        let secrets = &service.ports.secrets;
        let once = once.map(|once| Recorded {
            // The id has a fixed length, so that no two callers' keys run into each other.
            id: secrets.keyed_hash(
                HashPurpose::IdempotencyKey,
                &[caller.key_id.0.as_bytes().as_slice(), once.key.as_bytes()].concat(),
            ),
            fingerprint: secrets.keyed_hash(HashPurpose::Fingerprint, &once.request),
            answer: once.answer,
        });
        Self { service, once, is_stored: AtomicBool::new(false) }
    }

    /// The record of what came of it, to be stored with it.
    pub(crate) fn record(
        &self,
        customer_id: Option<CustomerId>,
        outcome: Result<&T, &Refusal>,
    ) -> Option<IdempotencyRecord> {
        let once = self.once.as_ref()?;
        let id = once.id.current;
        let answer = (once.answer)(outcome);
        Some(IdempotencyRecord {
            id,
            fingerprint: once.fingerprint.current,
            customer_id,
            outcome: Some(self.service.ports.secrets.seal(SealPurpose::IdempotencyOutcome, &id.0, &answer)),
            created_at: self.service.ports.clock.now(),
        })
    }

    /// Notes that the record is stored: what failed after that is this request's own answer.
    pub(crate) fn note_stored(&self) {
        self.is_stored.store(true, Ordering::Relaxed);
    }

    async fn replay(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(once) = &self.once else { return Ok(None) };
        let ports = &self.service.ports;
        let Some(record) = ports.idempotency.find_record(once.id.all()).await? else { return Ok(None) };
        if !once.fingerprint.all().contains(&record.fingerprint) {
            return Err(Failure::IdempotencyKeyReused);
        }
        let sealed = record.outcome.ok_or(Failure::CustomerNotFound)?;
        let opened = ports.secrets.unseal(SealPurpose::IdempotencyOutcome, &record.id.0, &sealed);
        let opened = opened.ok_or_else(|| StoreError::Corrupt {
            table: "idempotency_records",
            column: "outcome",
            id: record.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        })?;
        Ok(Some(opened.plain))
    }
}
