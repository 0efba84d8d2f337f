//! What is kept about the installation itself.

use async_trait::async_trait;

use crate::{Digest, StoreError};

/// The store's own state: whether it is ready, and under which secret key it is used.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait InstallationRepository: Send + Sync {
    /// Asks the store something, so that the answer tells of now.
    ///
    /// # Errors
    /// When the store gives no answer.
    async fn readiness(&self) -> Result<Readiness, StoreError>;

    /// The stored check value of the secret key. Where there is none, stores `check` first; of several processes that
    /// do so at once, all return the one that was stored.
    ///
    /// # Errors
    /// When the store fails.
    async fn secret_check(&self, check: Digest) -> Result<Digest, StoreError>;

    /// Replaces the stored check value `old` by `new`, unless another one is stored, and returns what is stored
    /// then. There must be one: ask for it by [`secret_check`](Self::secret_check) first.
    ///
    /// # Errors
    /// When the store fails.
    async fn replace_secret_check(&self, old: Digest, new: Digest) -> Result<Digest, StoreError>;
}

/// Whether the store can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It answers and its schema is this release's.
    Ready,
    /// It answers, but its schema is older than this release's.
    MigrationsPending,
}
