//! Make, list and revoke API keys: the operator's work, done on the command line.

use chrono::TimeDelta;
use ports::{ApiKey, ApiKeyId, ApiKeySecret, Scope};

use crate::{Failure, Service};

/// What is told about a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateApiKey {
    /// What to call it.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// How long it works; `None` for ever.
    pub expires_in: Option<TimeDelta>,
}

impl Service {
    /// Makes a key. The secret is returned this once; only its digest is kept.
    ///
    /// # Errors
    /// The store's.
    pub async fn create_api_key(&self, command: CreateApiKey) -> Result<ApiKeySecret, Failure> {
        let secret = self.ports.tokens.api_key();
        let now = self.ports.clock.now();
        let key = ApiKey {
            id: self.ports.ids.api_key_id(),
            name: command.name,
            scope: command.scope,
            digest: self.ports.secrets.digest(secret.expose()),
            created_at: now,
            expires_at: command.expires_in.map(|life| now + life),
            revoked_at: None,
        };
        self.ports.api_keys.insert(key).await?;
        Ok(secret)
    }

    /// All keys, with whether each is usable now.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_api_keys(&self) -> Result<Vec<(ApiKey, bool)>, Failure> {
        let now = self.ports.clock.now();
        let keys = self.ports.api_keys.list().await?;
        Ok(keys
            .into_iter()
            .map(|key| {
                let usable = key.is_usable(now);
                (key, usable)
            })
            .collect())
    }

    /// Ends a key: within a second it opens nothing, on any process. `false` when there is no such key.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<bool, Failure> {
        Ok(self.ports.api_keys.revoke(id, self.ports.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use ports::{Digest, StoreError};

    #[tokio::test]
    async fn only_the_digest_of_a_new_key_is_stored() {
        let mut world = World::new();
        let secret = ApiKeySecret::from_random_part("abc");
        world.tokens.expect_api_key().return_const(secret.clone());
        world.secrets.expect_digest().withf(|secret| secret == "ckey_abc").return_const(Digest([9; 32]));
        world.api_keys.expect_insert().once().returning(|key| {
            assert_eq!(key.digest, Digest([9; 32]));
            assert_eq!(key.expires_at, Some(World::NOW + TimeDelta::days(90)));
            Ok(())
        });
        let command = CreateApiKey { name: "bot".into(), scope: Scope::Write, expires_in: Some(TimeDelta::days(90)) };
        assert_eq!(world.service().create_api_key(command).await, Ok(secret));
    }

    #[tokio::test]
    async fn a_key_that_is_not_stored_is_not_shown() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::new();
        world.tokens.expect_api_key().return_const(ApiKeySecret::from_random_part("abc"));
        world.secrets.expect_digest().return_const(Digest([9; 32]));
        let failed = error.clone();
        world.api_keys.expect_insert().return_once(move |_| Err(failed));
        let command = CreateApiKey { name: "bot".into(), scope: Scope::Read, expires_in: None };
        assert_eq!(world.service().create_api_key(command).await, Err(Failure::Store(error)));
    }

    #[tokio::test]
    async fn revoking_an_unknown_key_says_so() {
        let mut world = World::new();
        world.api_keys.expect_revoke().returning(|_, _| Ok(false));
        let id = ApiKeyId(uuid::Uuid::nil());
        assert_eq!(world.service().revoke_api_key(id).await, Ok(false));
    }
}
