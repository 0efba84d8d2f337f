//! Verify at start that the secret key is the one that the store is used with.

use crate::Service;
use ports::StoreError;

/// Why the service must not run with this secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFailure {
    /// The store was used with another one: with this one, links would not open and sealed data would not be read.
    Wrong,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for SecretFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Service {
    /// Compares the secret key's check value with the stored one; stores it where there is none, or where the stored
    /// one is the previous key's.
    ///
    /// # Errors
    /// [`SecretFailure::Wrong`] when the store was used with another key.
    pub async fn verify_secret(&self) -> Result<(), SecretFailure> {
        let current = self.ports.secrets.check_value();
        let mut stored = self.ports.installation.secret_check(current).await?;
        if stored != current && self.ports.secrets.previous_check_value() == Some(stored) {
            stored = self.ports.installation.replace_secret_check(stored, current).await?;
        }
        if stored == current { Ok(()) } else { Err(SecretFailure::Wrong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use ports::Digest;

    fn world(stored: u8, previous: Option<u8>) -> World {
        let mut world = World::new();
        world.secrets.expect_check_value().return_const(Digest([1; 32]));
        world.secrets.expect_previous_check_value().return_const(previous.map(|n| Digest([n; 32])));
        world.installation.expect_secret_check().returning(move |_| Ok(Digest([stored; 32])));
        world
    }

    #[tokio::test]
    async fn the_same_key_passes_and_another_does_not() {
        assert_eq!(world(1, None).service().verify_secret().await, Ok(()));
        assert_eq!(world(2, None).service().verify_secret().await, Err(SecretFailure::Wrong));
        assert_eq!(world(2, Some(3)).service().verify_secret().await, Err(SecretFailure::Wrong));
    }

    #[tokio::test]
    async fn a_rotated_key_takes_the_place_of_the_previous_one() {
        let mut world = world(2, Some(2));
        world.installation.expect_replace_secret_check().once().returning(|old, new| {
            assert_eq!((old, new), (Digest([2; 32]), Digest([1; 32])));
            Ok(new)
        });
        assert_eq!(world.service().verify_secret().await, Ok(()));
    }

    #[tokio::test]
    async fn of_two_new_keys_that_follow_one_the_second_is_wrong() {
        let mut world = world(2, Some(2));
        world.installation.expect_replace_secret_check().returning(|_, _| Ok(Digest([3; 32])));
        assert_eq!(world.service().verify_secret().await, Err(SecretFailure::Wrong));
    }

    #[tokio::test]
    async fn a_store_that_fails_is_not_a_wrong_key() {
        let error = StoreError::Unavailable("down".into());
        let mut world = World::new();
        world.secrets.expect_check_value().return_const(Digest([1; 32]));
        let stored = error.clone();
        world.installation.expect_secret_check().return_once(move |_| Err(stored));
        assert_eq!(world.service().verify_secret().await, Err(SecretFailure::Store(error)));
    }
}
