//! Fresh ids and tokens from the operating system's random source and the clock.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{ConfirmationToken, CustomerId, DeliveryId, EndpointId, EventId, LinkId};
use ports::{ApiKeyId, ApiKeySecret, IdGenerator, LeaseHolder, TokenGenerator, WebhookSecret};
use rand::{Rng, RngExt};
use uuid::Uuid;

/// Version 7 UUIDs, which sort by the time of their making; version 4 where an id must tell nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidIds;

#[expect(clippy::disallowed_methods, reason = "this is the port's one implementation")]
impl IdGenerator for UuidIds {
    fn customer_id(&self) -> CustomerId {
        Uuid::now_v7().into()
    }

    fn event_id(&self) -> EventId {
        Uuid::now_v7().into()
    }

    fn link_id(&self) -> LinkId {
        Uuid::new_v4().into()
    }

    fn api_key_id(&self) -> ApiKeyId {
        ApiKeyId(Uuid::now_v7())
    }

    fn endpoint_id(&self) -> EndpointId {
        Uuid::now_v7().into()
    }

    fn delivery_id(&self) -> DeliveryId {
        Uuid::now_v7().into()
    }

    fn lease_holder(&self) -> LeaseHolder {
        LeaseHolder(Uuid::new_v4())
    }

    fn request_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Tokens from the thread's generator, a cryptographically secure one that the operating system seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomTokens;

#[expect(clippy::disallowed_methods, reason = "this is the port's one implementation")]
impl TokenGenerator for RandomTokens {
    fn confirmation_token(&self) -> ConfirmationToken {
        confirmation_token(&mut rand::rng())
    }

    fn api_key(&self) -> ApiKeySecret {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        ApiKeySecret::from_random_part(&URL_SAFE_NO_PAD.encode(bytes))
    }

    fn webhook_secret(&self) -> WebhookSecret {
        loop {
            let mut bytes = vec![0; 32];
            rand::rng().fill_bytes(&mut bytes);
            // 32 bytes are always a secret; this is not reached twice.
            if let Some(secret) = WebhookSecret::new(bytes) {
                return secret;
            }
        }
    }
}

/// A key for what lasts as long as the process.
#[expect(clippy::disallowed_methods, reason = "this crate is where random numbers are drawn")]
pub fn random_key() -> [u8; 32] {
    rand::rng().random()
}

/// A token, each equally likely: a range is drawn without the bias that a remainder would have.
fn confirmation_token(rng: &mut impl Rng) -> ConfirmationToken {
    loop {
        if let Ok(token) = ConfirmationToken::from_number(rng.random_range(0..ConfirmationToken::COUNT)) {
            return token;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn every_first_digit_is_drawn_about_as_often() {
        // Finds a generator that leaves out or prefers tokens, not a bias as small as a remainder's: that is the library's
        // promise. χ² over seeded draws: 9 degrees of freedom, 27.9 is exceeded once in a thousand.
        let mut rng = StdRng::seed_from_u64(7);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            let token = confirmation_token(&mut rng).expose();
            counts[usize::from(token.as_bytes()[0] - b'0')] += 1;
        }
        let chi_squared: f64 = counts.iter().map(|n| (f64::from(*n) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi_squared < 27.9, "{counts:?}");
    }

    #[test]
    fn api_keys_bear_the_prefix_that_secret_scanners_know() {
        let key = RandomTokens.api_key();
        let random = key.expose().strip_prefix("ckey_").expect("the prefix is pinned: keys in the field bear it");
        assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
        assert!(ApiKeySecret::is_form_of(key.expose()), "what has not this form opens nothing");
        assert_ne!(RandomTokens.api_key(), key);
    }

    #[test]
    fn customer_and_event_ids_are_version_7_and_link_ids_are_random() {
        assert_eq!(UuidIds.customer_id().uuid().get_version_num(), 7);
        assert_eq!(UuidIds.event_id().uuid().get_version_num(), 7);
        assert_eq!(UuidIds.link_id().uuid().get_version_num(), 4);
    }
}
