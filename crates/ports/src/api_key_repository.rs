//! Where the digests of API keys are kept.

use std::fmt;

use async_trait::async_trait;
use domain::Timestamp;
use uuid::Uuid;

use crate::{Digest, StoreError};

/// Keeps API keys by the digest of the key itself, which nobody has but its holder.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ApiKeyRepository: Send + Sync {
    /// Stores a new key.
    ///
    /// # Errors
    /// When the store fails.
    async fn insert(&self, key: ApiKey) -> Result<(), StoreError>;

    /// The key of this digest, usable or not, by one indexed read.
    ///
    /// # Errors
    /// When the store fails.
    async fn find_by_digest(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, usable or not, in the order of their making.
    ///
    /// # Errors
    /// When the store fails.
    async fn list(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Ends a key at `now`; of one that is ended already, the first time stays. `false` when there is no such key.
    ///
    /// # Errors
    /// When the store fails.
    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError>;
}

/// An API key's id, which may be shown and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiKeyId(pub Uuid);

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Reading, without what lets its holder edit or confirm.
    Read,
    /// Everything.
    Write,
}

impl Scope {
    /// The scope's name, as the command line and the store write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The scope of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|scope| scope.as_str() == name)
    }
}

/// What is kept of an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its maker called it.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// The SHA-256 of the key.
    pub digest: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing, where it has an end.
    pub expires_at: Option<Timestamp>,
    /// Since when it opens nothing, where somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
