//! Who is calling, and what he may do.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use domain::Timestamp;
use ports::{ApiKey, ApiKeyId, ApiKeySecret, Digest, Scope};
use uuid::Uuid;

use crate::{Failure, Service};

/// A caller whose key was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The key's id, for the log.
    pub key_id: ApiKeyId,
    /// What the key allows.
    pub scope: Scope,
}

impl Caller {
    /// Whoever runs the command line beside the database: he needs no key.
    pub const OPERATOR: Self = Self { key_id: ApiKeyId(Uuid::nil()), scope: Scope::Write };

    /// Whether he may see what lets its holder confirm or edit.
    pub fn may_write(self) -> bool {
        self.scope == Scope::Write
    }

    /// Refuses a caller who may only read.
    ///
    /// # Errors
    /// [`Failure::Forbidden`].
    pub fn require_write(self) -> Result<(), Failure> {
        if self.may_write() { Ok(()) } else { Err(Failure::Forbidden) }
    }
}

/// Keys that were looked up. For less than a second they are not looked up again: so long may a revoked key still work, and
/// one that was tried before it was made not work yet.
#[derive(Default)]
pub(crate) struct KeyCache {
    found: Mutex<HashMap<Digest, (ApiKey, Timestamp)>>,
    /// Apart, so that whoever guesses keys does not drive out those that work.
    missed: Mutex<HashMap<Digest, Timestamp>>,
}

impl KeyCache {
    const LIFE: TimeDelta = TimeDelta::milliseconds(900);
    /// More keys than this within a second is no load that a cache helps with.
    const MAX_KEYS: usize = 1_000;

    /// Whose key it is, where it was looked for.
    fn get(&self, digest: &Digest, now: Timestamp) -> Option<Result<Caller, Failure>> {
        // A clock that went back makes an entry of the future: not young, so not used.
        let young = |at: Timestamp| (TimeDelta::zero()..Self::LIFE).contains(&(now - at));
        let found = lock(&self.found).get(digest).filter(|(_, at)| young(*at)).map(|(key, _)| caller(key, now));
        found.or_else(|| lock(&self.missed).get(digest).filter(|at| young(**at)).map(|_| Err(Failure::Unauthorized)))
    }

    /// Whether the key was found lately, and could be used then.
    fn knows(&self, digest: &Digest, now: Timestamp) -> bool {
        lock(&self.found).get(digest).is_some_and(|(key, _)| key.is_usable(now))
    }

    fn put(&self, digest: Digest, key: Option<ApiKey>, now: Timestamp) {
        match key {
            Some(key) => Self::put_into(&self.found, digest, (key, now)),
            None => Self::put_into(&self.missed, digest, now),
        }
    }

    fn put_into<T>(entries: &Mutex<HashMap<Digest, T>>, digest: Digest, entry: T) {
        let mut entries = lock(entries);
        if entries.len() >= Self::MAX_KEYS {
            entries.clear();
        }
        entries.insert(digest, entry);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    /// The caller who presents `key`.
    ///
    /// # Errors
    /// [`Failure::Unauthorized`] when the key is unknown, revoked or expired.
    pub async fn authenticate(&self, key: &str) -> Result<Caller, Failure> {
        let now = self.ports.clock.now();
        if let Some(outcome) = self.recall_at(key, now) {
            return outcome;
        }
        let digest = self.ports.secrets.digest(key);
        let key = self.ports.api_keys.find_by_digest(&digest).await?;
        let outcome = key.as_ref().ok_or(Failure::Unauthorized).and_then(|key| caller(key, now));
        self.key_cache.put(digest, key, now);
        outcome
    }

    /// What [`Service::authenticate`] says without looking into the store: of a key that it looked up a moment ago, and of
    /// what cannot be a key. `None` for any other.
    pub fn recall(&self, key: &str) -> Option<Result<Caller, Failure>> {
        self.recall_at(key, self.ports.clock.now())
    }

    /// Whether the key worked when it was looked up last in this process, as far as that is remembered: then it is no guess.
    pub fn knows(&self, key: &str) -> bool {
        self.key_cache.knows(&self.ports.secrets.digest(key), self.ports.clock.now())
    }

    fn recall_at(&self, key: &str, now: Timestamp) -> Option<Result<Caller, Failure>> {
        if !ApiKeySecret::is_form_of(key) {
            return Some(Err(Failure::Unauthorized));
        }
        self.key_cache.get(&self.ports.secrets.digest(key), now)
    }
}

fn caller(key: &ApiKey, now: Timestamp) -> Result<Caller, Failure> {
    if key.is_usable(now) { Ok(Caller { key_id: key.id, scope: key.scope }) } else { Err(Failure::Unauthorized) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, at};
    use mockall::Sequence;
    use ports::{MockClock, StoreError};
    use uuid::Uuid;

    const KEY: &str = "ckey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId(Uuid::from_u128(7)),
            name: "bot".into(),
            scope: Scope::Read,
            digest: Digest([1; 32]),
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
        }
    }

    fn world(stored: Result<Option<ApiKey>, StoreError>) -> World {
        let mut world = World::new();
        world.secrets.expect_digest().return_const(Digest([1; 32]));
        world.api_keys.expect_find_by_digest().returning(move |_| stored.clone());
        world
    }

    #[tokio::test]
    async fn a_known_key_is_its_caller() {
        let caller = world(Ok(Some(key()))).service().authenticate(KEY).await.unwrap();
        assert_eq!(caller, Caller { key_id: key().id, scope: Scope::Read });
        assert_eq!(caller.require_write(), Err(Failure::Forbidden));
    }

    #[tokio::test]
    async fn unknown_revoked_and_expired_keys_are_nobody() {
        let revoked = ApiKey { revoked_at: Some(at(1)), ..key() };
        let expired = ApiKey { expires_at: Some(World::NOW), ..key() };
        for stored in [None, Some(revoked), Some(expired)] {
            let outcome = world(Ok(stored)).service().authenticate(KEY).await;
            assert_eq!(outcome, Err(Failure::Unauthorized));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_a_key_is_nobody_without_a_look_into_the_store() {
        let (short, long) = (&KEY[..KEY.len() - 1], format!("{KEY}A"));
        let other = KEY.replace("ckey_", "CKEY_");
        let service = World::new().service();
        for text in ["", "ckey_", short, &long, &other, &KEY.replacen('A', "=", 1), &KEY.replacen("AA", "\u{e9}", 1)] {
            assert_eq!(service.recall(text), Some(Err(Failure::Unauthorized)), "{text}");
            assert_eq!(service.authenticate(text).await, Err(Failure::Unauthorized), "{text}");
        }
    }

    #[tokio::test]
    async fn a_key_that_was_looked_up_a_moment_ago_is_recalled() {
        let service = world(Ok(Some(key()))).service();
        assert_eq!(service.recall(KEY), None);
        assert!(!service.knows(KEY));
        let caller = service.authenticate(KEY).await;
        assert_eq!((caller.is_ok(), service.recall(KEY)), (true, Some(caller)));
        assert!(service.knows(KEY));
    }

    #[tokio::test]
    async fn a_store_that_fails_is_not_an_unknown_key() {
        let error = StoreError::Unavailable("down".into());
        let outcome = world(Err(error.clone())).service().authenticate(KEY).await;
        assert_eq!(outcome, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn a_revoked_key_works_for_less_than_a_second_more() {
        let mut world = World::new();
        world.secrets.expect_digest().return_const(Digest([1; 32]));
        let mut clock = MockClock::new();
        let mut sequence = Sequence::new();
        for milliseconds in [0, 899, 900, 901] {
            let now = at(0) + TimeDelta::milliseconds(milliseconds);
            clock.expect_now().once().in_sequence(&mut sequence).return_const(now);
        }
        world.clock = clock;
        let revoked = ApiKey { revoked_at: Some(at(0)), ..key() };
        let mut reads = Sequence::new();
        world.api_keys.expect_find_by_digest().once().in_sequence(&mut reads).returning(|_| Ok(Some(key())));
        world
            .api_keys
            .expect_find_by_digest()
            .once()
            .in_sequence(&mut reads)
            .returning(move |_| Ok(Some(revoked.clone())));
        let service = world.service();
        assert!(service.authenticate(KEY).await.is_ok());
        assert!(service.authenticate(KEY).await.is_ok());
        assert_eq!(service.authenticate(KEY).await, Err(Failure::Unauthorized));
        assert!(!service.knows(KEY), "it is none that works");
    }

    #[tokio::test]
    async fn a_key_that_is_none_is_looked_up_once_within_a_second() {
        let mut world = World::new();
        world.secrets.expect_digest().return_const(Digest([1; 32]));
        let mut clock = MockClock::new();
        let mut sequence = Sequence::new();
        for milliseconds in [0, 899, 900] {
            let now = at(0) + TimeDelta::milliseconds(milliseconds);
            clock.expect_now().once().in_sequence(&mut sequence).return_const(now);
        }
        world.clock = clock;
        let mut reads = Sequence::new();
        world.api_keys.expect_find_by_digest().once().in_sequence(&mut reads).returning(|_| Ok(None));
        world.api_keys.expect_find_by_digest().once().in_sequence(&mut reads).returning(|_| Ok(Some(key())));
        let service = world.service();
        assert_eq!(service.authenticate(KEY).await, Err(Failure::Unauthorized));
        assert_eq!(service.authenticate(KEY).await, Err(Failure::Unauthorized));
        assert!(service.authenticate(KEY).await.is_ok(), "it was made meanwhile");
    }

    #[test]
    fn the_cache_is_bounded_and_keys_that_are_none_drive_out_no_others() {
        let cache = KeyCache::default();
        let digest = |n: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_be_bytes());
            Digest(digest)
        };
        let found = digest(usize::MAX);
        cache.put(found, Some(key()), at(0));
        for n in 0..=KeyCache::MAX_KEYS {
            cache.put(digest(n), None, at(0));
        }
        assert!(lock(&cache.missed).len() <= KeyCache::MAX_KEYS);
        assert_eq!(cache.get(&found, at(0)), Some(caller(&key(), at(0))));
        for n in 0..=KeyCache::MAX_KEYS {
            cache.put(digest(n), Some(key()), at(0));
        }
        assert!(lock(&cache.found).len() <= KeyCache::MAX_KEYS);
    }
}
