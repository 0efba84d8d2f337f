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
        Recorder::new(self, caller, once).replay_or(work).await
    }

    /// The same for work that changes nothing but what it saves with its record, and that is seldom a repeat: it is not
    /// looked first. A repeat is found out by its record, which is there already; under a secret key that was changed it may
    /// not be, and then it is looked first all the same.
    pub(crate) async fn once_if_new<'a, T>(
        &'a self,
        caller: Caller,
        once: Option<Once<'a, T>>,
        work: impl AsyncFnOnce(&Recorder<'a, T>) -> Result<T, Failure>,
    ) -> Result<Answer<T>, Failure> {
        let recorder = Recorder::new(self, caller, once);
        if recorder.has_other_ids() { recorder.replay_or(work).await } else { recorder.work(work).await }
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

    /// Answers what was answered before, or does the work.
    async fn replay_or(self, work: impl AsyncFnOnce(&Self) -> Result<T, Failure>) -> Result<Answer<T>, Failure> {
        match self.replay().await? {
            Some(answer) => Ok(Answer::Repeated(answer)),
            None => self.work(work).await,
        }
    }

    /// Does the work, and where it fails looks whether it was done before.
    async fn work(self, work: impl AsyncFnOnce(&Self) -> Result<T, Failure>) -> Result<Answer<T>, Failure> {
        let failure = match work(&self).await {
            Ok(value) => return Ok(Answer::Fresh(value)),
            Err(failure) if self.is_stored.load(Ordering::Relaxed) => return Err(failure),
            Err(failure) => failure,
        };
        match self.replay().await {
            Ok(Some(answer)) => Ok(Answer::Repeated(answer)),
            Ok(None) | Err(Failure::Store(_)) => Err(failure),
            Err(of_key) => Err(of_key),
        }
    }

    /// Whether a record of the request may have another id than the one that would be stored now.
    fn has_other_ids(&self) -> bool {
        self.once.as_ref().is_some_and(|once| once.id.all().len() > 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{WRITER, World, confirmed, customer_id, keyed_hash_of, other_token, token, unconfirmed};
    use domain::ConfirmationToken;
    use mockall::Sequence;
    use ports::{Digest, SaveError, Sealed};

    const ANSWER: &dyn Fn(Result<&Customer, &Refusal>) -> Vec<u8> = &|outcome| match outcome {
        Ok(customer) => customer.parts().revision.to_string().into_bytes(),
        Err(refusal) => format!("{refusal:?}").into_bytes(),
    };

    fn once() -> Terms<'static, Customer> {
        let once = Once { key: "key-1".to_owned(), request: b"POST /confirm".to_vec(), answer: ANSWER };
        Terms { once: Some(once), ..Terms::default() }
    }

    /// What is stored once the request was answered so.
    fn record(answer: &[u8]) -> IdempotencyRecord {
        let owner_and_key = [WRITER.key_id.0.as_bytes().as_slice(), b"key-1"].concat();
        IdempotencyRecord {
            id: keyed_hash_of(&owner_and_key).current,
            fingerprint: keyed_hash_of(b"POST /confirm").current,
            customer_id: Some(customer_id()),
            outcome: Some(Sealed(answer.iter().map(|byte| !byte).collect())),
            created_at: World::NOW,
        }
    }

    /// A world in which these records are found, one look after the other, and none after them.
    fn finding(mut world: World, records: Vec<Option<IdempotencyRecord>>) -> World {
        world.with_seals();
        let mut order = Sequence::new();
        for found in records {
            let find = world.idempotency.expect_find_record().once().in_sequence(&mut order);
            find.return_once(move |_| Ok(found));
        }
        world
    }

    async fn confirm(world: World, token: ConfirmationToken) -> Result<Answer<Customer>, Failure> {
        world.service().confirm_customer(WRITER, customer_id(), Ok(token), once()).await
    }

    #[tokio::test]
    async fn what_came_of_a_request_is_stored_with_its_change() {
        let mut world = finding(World::holding(unconfirmed()), vec![None]);
        world.customers.expect_save().once().returning(|_, beside| {
            assert_eq!(beside.record, Some(record(b"2")));
            Ok(())
        });
        assert_eq!(confirm(world, token()).await, Ok(Answer::Fresh(confirmed())));
    }

    #[tokio::test]
    async fn a_request_that_comes_again_is_answered_as_it_was_and_does_nothing() {
        let world = finding(World::new(), vec![Some(record(b"2"))]);
        assert_eq!(confirm(world, token()).await, Ok(Answer::Repeated(b"2".to_vec())));
    }

    #[tokio::test]
    async fn a_wrong_try_is_recorded_and_told_as_this_requests_own() {
        let mut world = finding(World::holding(unconfirmed()), vec![None]);
        world.customers.expect_save().once().returning(|_, beside| {
            assert_eq!(beside.record, Some(record(b"TokenInvalid { attempts_remaining: 4 }")));
            Ok(())
        });
        let refused = Refusal::TokenInvalid { attempts_remaining: 4 };
        assert_eq!(confirm(world, other_token()).await, Err(Failure::Refused(refused)));
    }

    #[tokio::test]
    async fn a_repeat_that_lost_the_race_gets_the_winners_answer() {
        // It was refused for what the winner did.
        let world = finding(World::holding(confirmed()), vec![None, Some(record(b"2"))]);
        assert_eq!(confirm(world, token()).await, Ok(Answer::Repeated(b"2".to_vec())));
        // It waited for the winner's commit.
        let mut world = finding(World::holding(unconfirmed()), vec![None, Some(record(b"2"))]);
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::Repeated));
        assert_eq!(confirm(world, token()).await, Ok(Answer::Repeated(b"2".to_vec())));
    }

    #[tokio::test]
    async fn a_repeat_that_waited_too_long_is_told_to_come_back() {
        let mut world = finding(World::holding(unconfirmed()), vec![None, None]);
        world.customers.expect_save().once().returning(|_, _| Err(SaveError::InProgress));
        assert_eq!(confirm(world, token()).await, Err(Failure::IdempotencyInProgress));
    }

    #[tokio::test]
    async fn a_refusal_that_changed_nothing_is_not_recorded() {
        let world = finding(World::holding(confirmed()), vec![None, None]);
        assert_eq!(confirm(world, token()).await, Err(Failure::Refused(Refusal::AlreadyConfirmed)));
    }

    #[tokio::test]
    async fn what_may_be_stored_though_the_store_failed_is_looked_up() {
        let error = StoreError::Unavailable("lost while committing".into());
        for (found, expected) in
            [(Some(record(b"2")), Ok(Answer::Repeated(b"2".to_vec()))), (None, Err(Failure::Store(error.clone())))]
        {
            let mut world = finding(World::holding(unconfirmed()), vec![None, found]);
            let failed = SaveError::Store(error.clone());
            world.customers.expect_save().once().return_once(move |_, _| Err(failed));
            assert_eq!(confirm(world, token()).await, expected);
        }
    }

    #[tokio::test]
    async fn a_key_of_another_request_and_the_record_of_an_erased_customer_are_told() {
        let other = IdempotencyRecord { fingerprint: Digest([7; 32]), ..record(b"2") };
        assert_eq!(
            confirm(finding(World::new(), vec![Some(other)]), token()).await,
            Err(Failure::IdempotencyKeyReused)
        );
        let erased = IdempotencyRecord { outcome: None, ..record(b"2") };
        assert_eq!(confirm(finding(World::new(), vec![Some(erased)]), token()).await, Err(Failure::CustomerNotFound));
    }

    #[tokio::test]
    async fn a_success_that_changed_nothing_is_recorded_too() {
        let mut world = finding(World::holding(confirmed()), vec![None]);
        world.idempotency.expect_keep_record().once().returning(|record| {
            assert_eq!(record.customer_id, Some(customer_id()));
            Ok(())
        });
        let answer = |_: Result<&domain::Verification, &Refusal>| Vec::new();
        let once = Once { key: "key-1".to_owned(), request: b"POST /unlock".to_vec(), answer: &answer };
        let answer = world.service().unlock_verification(WRITER, customer_id(), Some(once)).await;
        assert!(matches!(answer, Ok(Answer::Fresh(_))), "{answer:?}");
    }

    #[tokio::test]
    async fn a_change_meant_for_another_revision_is_not_made() {
        for (if_match, is_made) in [
            (IfMatch::Any, true),
            (IfMatch::Revisions(vec![7, 1]), true),
            (IfMatch::Revisions(vec![2]), false),
            (IfMatch::Revisions(Vec::new()), false),
        ] {
            let mut world = World::holding(unconfirmed());
            world.customers.expect_save().times(usize::from(is_made)).returning(|_, _| Ok(()));
            let terms = Terms { if_match, ..Terms::default() };
            let outcome = world.service().confirm_customer(WRITER, customer_id(), Ok(token()), terms).await;
            assert_eq!(outcome.err(), (!is_made).then_some(Failure::PreconditionFailed));
        }
    }
}
