//! The service's secret key and what is derived from it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::LinkId;
use hkdf::Hkdf;
use ports::{Digest, HashPurpose, KeyedHash, LinkCode, SealPurpose, Sealed, Secrets, Unsealed};
use rand::Rng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::seal::SealingKey;

/// The service's secret key: 32 bytes from which everything that is derived or sealed comes, by one sub-key a purpose
/// (HKDF-SHA256, RFC 5869). Wiped when dropped; `Debug` is redacted.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

/// Why a text is no secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct SecretKeyError;

impl SecretKey {
    /// A fresh key from the operating system's random source.
    #[expect(clippy::disallowed_methods, reason = "this crate is where random numbers are drawn")]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(bytes.as_mut());
        Self(bytes)
    }

    /// Reads a key as [`to_base64`](Self::to_base64) writes it; surrounding white space is no part of it.
    ///
    /// # Errors
    /// When it is not the base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, SecretKeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| SecretKeyError)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| SecretKeyError)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key as text, to be kept where nobody else reads it.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    /// The sub-key of one purpose.
    fn sub_key(&self, purpose: &str) -> SubKey {
        SubKey(Hkdf::new(Some(purpose.as_bytes()), self.0.as_slice()))
    }

    fn check_value(&self) -> Digest {
        Digest(self.sub_key("customers/v1/check-value").keyed_hash(b""))
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

/// A key for one purpose: HKDF's extract step with the purpose as salt.
#[derive(Clone)]
struct SubKey(Hkdf<Sha256>);

impl SubKey {
    /// A keyed hash: HKDF's expand step, which is HMAC-SHA256 of the message and a counter byte.
    fn keyed_hash(&self, message: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        // It fails for outputs longer than 255 hashes only, so never for one.
        let expanded = self.0.expand(message, &mut hash);
        debug_assert!(expanded.is_ok());
        hash
    }
}

/// What is derived from the service's secret key.
#[derive(Clone)]
pub struct DerivedSecrets {
    link_codes: SubKey,
    form_tokens: SubKey,
    check_value: Digest,
    previous_check_value: Option<Digest>,
    webhook_secrets: SealingKeys,
    idempotency_outcomes: SealingKeys,
    idempotency_keys: HashingKeys,
    fingerprints: HashingKeys,
    phone_numbers: HashingKeys,
    cursors: HashingKeys,
}

/// The keys that hash for one purpose.
#[derive(Clone)]
struct HashingKeys {
    current: SubKey,
    previous: Option<SubKey>,
}

/// The keys that seal for one purpose.
#[derive(Clone)]
struct SealingKeys {
    current: SealingKey,
    previous: Option<SealingKey>,
}

impl DerivedSecrets {
    /// Derives from `current`. `previous` is what it was before a rotation.
    pub fn new(current: &SecretKey, previous: Option<&SecretKey>) -> Self {
        Self {
            link_codes: current.sub_key("customers/v1/link-code"),
            form_tokens: current.sub_key("customers/v1/form-token"),
            check_value: current.check_value(),
            previous_check_value: previous.map(SecretKey::check_value),
            webhook_secrets: SealingKeys::new("customers/v1/webhook-secret", current, previous),
            idempotency_outcomes: SealingKeys::new("customers/v1/idempotency-outcome", current, previous),
            idempotency_keys: HashingKeys::new("customers/v1/idempotency-key", current, previous),
            fingerprints: HashingKeys::new("customers/v1/fingerprint", current, previous),
            phone_numbers: HashingKeys::new("customers/v1/phone-number", current, previous),
            cursors: HashingKeys::new("customers/v1/cursor", current, previous),
        }
    }

    fn sealing_keys(&self, purpose: SealPurpose) -> &SealingKeys {
        match purpose {
            SealPurpose::WebhookSecret => &self.webhook_secrets,
            SealPurpose::IdempotencyOutcome => &self.idempotency_outcomes,
        }
    }
}

impl SealingKeys {
    fn new(purpose: &str, current: &SecretKey, previous: Option<&SecretKey>) -> Self {
        let key = |secret: &SecretKey| SealingKey::new(&Zeroizing::new(secret.sub_key(purpose).keyed_hash(b"")));
        Self { current: key(current), previous: previous.map(key) }
    }
}

impl HashingKeys {
    fn new(purpose: &str, current: &SecretKey, previous: Option<&SecretKey>) -> Self {
        Self { current: current.sub_key(purpose), previous: previous.map(|secret| secret.sub_key(purpose)) }
    }
}

impl Secrets for DerivedSecrets {
    fn digest(&self, secret: &str) -> Digest {
        Digest(Sha256::digest(secret.as_bytes()).into())
    }

    fn link_code(&self, id: LinkId) -> LinkCode {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut round = 0_u8;
        loop {
            let message = [id.uuid().as_bytes().as_slice(), &[round]].concat();
            let hash = self.link_codes.keyed_hash(&message);
            // Bytes from 248 up are passed over: 248 is the largest multiple of 62 in a byte, so that each character
            // is equally likely. Twelve of 32 bytes always remain but for one hash in 10¹⁸; then the next round's.
            let code: String = hash
                .iter()
                .filter(|byte| **byte < 248)
                .filter_map(|byte| ALPHABET.get(usize::from(byte % 62)))
                .take(LinkCode::LENGTH)
                .map(|byte| char::from(*byte))
                .collect();
            if let Some(code) = LinkCode::parse(&code) {
                return code;
            }
            round = round.wrapping_add(1);
        }
    }

    fn form_token(&self, link: LinkId, part: &str) -> String {
        let message = [link.uuid().as_bytes().as_slice(), part.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(self.form_tokens.keyed_hash(&message))
    }

    fn keyed_hash(&self, purpose: HashPurpose, message: &[u8]) -> KeyedHash {
        let keys = match purpose {
            HashPurpose::IdempotencyKey => &self.idempotency_keys,
            HashPurpose::Fingerprint => &self.fingerprints,
            HashPurpose::PhoneNumber => &self.phone_numbers,
            HashPurpose::Cursor => &self.cursors,
        };
        let by = |key: &SubKey| Digest(key.keyed_hash(message));
        KeyedHash { current: by(&keys.current), previous: keys.previous.as_ref().map(by) }
    }

    fn check_value(&self) -> Digest {
        self.check_value
    }

    fn previous_check_value(&self) -> Option<Digest> {
        self.previous_check_value
    }

    fn seal(&self, purpose: SealPurpose, context: &[u8], plain: &[u8]) -> Sealed {
        self.sealing_keys(purpose).current.seal(context, plain)
    }

    fn unseal(&self, purpose: SealPurpose, context: &[u8], sealed: &Sealed) -> Option<Unsealed> {
        let keys = self.sealing_keys(purpose);
        let by = |key: &SealingKey, by_previous| Some(Unsealed { plain: key.unseal(context, sealed)?, by_previous });
        by(&keys.current, false).or_else(|| by(keys.previous.as_ref()?, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_base64(&STANDARD.encode([byte; 32])).unwrap()
    }

    #[test]
    fn a_key_reads_what_it_writes_and_nothing_shorter() {
        let key = SecretKey::generate();
        assert_eq!(*SecretKey::from_base64(&key.to_base64()).unwrap().0, *key.0);
        for text in ["", "c2hvcnQ=", "not base64 at all", &STANDARD.encode([0; 33])] {
            assert_eq!(SecretKey::from_base64(text).err(), Some(SecretKeyError), "{text}");
        }
    }

    #[test]
    fn nothing_of_a_key_is_in_its_debug_form() {
        assert_eq!(format!("{:?}", key(1)), "SecretKey(redacted)");
    }

    #[test]
    fn a_links_code_depends_on_its_id_and_on_the_key_and_on_nothing_else() {
        let id = |n| LinkId::from(Uuid::from_u128(n));
        let secrets = DerivedSecrets::new(&key(1), None);
        let code = secrets.link_code(id(1));
        assert_eq!(secrets.link_code(id(1)), code);
        assert_ne!(secrets.link_code(id(2)), code);
        assert_ne!(DerivedSecrets::new(&key(2), None).link_code(id(1)), code);
    }

    #[test]
    fn a_forms_token_depends_on_its_link_part_and_key_and_on_nothing_else() {
        let id = |n| LinkId::from(Uuid::from_u128(n));
        let secrets = DerivedSecrets::new(&key(1), None);
        let token = secrets.form_token(id(1), "cookie");
        assert_eq!(secrets.form_token(id(1), "cookie"), token);
        assert_eq!(DerivedSecrets::new(&key(1), Some(&key(2))).form_token(id(1), "cookie"), token);
        for other in [
            secrets.form_token(id(2), "cookie"),
            secrets.form_token(id(1), "form"),
            secrets.form_token(id(1), ""),
            DerivedSecrets::new(&key(2), Some(&key(1))).form_token(id(1), "cookie"),
        ] {
            assert_ne!(other, token);
        }
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    }

    #[test]
    fn check_values_tell_keys_apart_over_a_rotation() {
        let before = DerivedSecrets::new(&key(1), None);
        let after = DerivedSecrets::new(&key(2), Some(&key(1)));
        assert_ne!(after.check_value(), before.check_value());
        assert_eq!(after.previous_check_value(), Some(before.check_value()));
    }

    #[test]
    fn what_the_previous_key_sealed_opens_and_says_so() {
        let (purpose, context) = (SealPurpose::WebhookSecret, b"row".as_slice());
        let sealed = DerivedSecrets::new(&key(1), None).seal(purpose, context, b"secret");
        let rotated = DerivedSecrets::new(&key(2), Some(&key(1)));
        let opened = rotated.unseal(purpose, context, &sealed).unwrap();
        assert_eq!((opened.plain.as_slice(), opened.by_previous), (b"secret".as_slice(), true));
        let anew = rotated.seal(purpose, context, &opened.plain);
        assert!(!rotated.unseal(purpose, context, &anew).unwrap().by_previous);
        assert_eq!(DerivedSecrets::new(&key(2), None).unseal(purpose, context, &sealed), None);
    }

    #[test]
    fn a_keyed_hash_depends_on_key_purpose_and_message_and_is_told_for_the_previous_key_too() {
        let before = DerivedSecrets::new(&key(1), None);
        let after = DerivedSecrets::new(&key(2), Some(&key(1)));
        let (purpose, message) = (HashPurpose::PhoneNumber, b"+14185810827".as_slice());
        let hash = before.keyed_hash(purpose, message);
        assert_eq!((hash, hash.previous), (before.keyed_hash(purpose, message), None));
        assert_eq!(after.keyed_hash(purpose, message).previous, Some(hash.current));
        for other in [
            after.keyed_hash(purpose, message),
            before.keyed_hash(HashPurpose::Fingerprint, message),
            before.keyed_hash(HashPurpose::IdempotencyKey, message),
            before.keyed_hash(HashPurpose::Cursor, message),
            before.keyed_hash(purpose, b"+14185810828"),
        ] {
            assert_ne!(other.current, hash.current);
        }
    }

    /// Links in customers' chats, forms in their browsers, cursors of callers and stored check values depend on these: a
    /// change here kills every live link and cursor, and stops every installation at its next start.
    #[test]
    fn derivations_are_pinned() {
        let secrets = DerivedSecrets::new(&key(0), None);
        assert_eq!(secrets.link_code(LinkId::from(Uuid::nil())).expose(), "rFiApHX2fvCc");
        let token = secrets.form_token(LinkId::from(Uuid::nil()), "00112233445566778899aabbccddeeff");
        assert_eq!(token, "J8kWf747toJVW0Vv2g3q2ZkkS_NQ8XKdU2ffQZ8WWPE");
        let signature = secrets.keyed_hash(HashPurpose::Cursor, b"place").current;
        assert_eq!(STANDARD.encode(signature.0), "ZEpOGGCHch7quwHNNPPQT3KwNujTJpmTFtsrHWg7mtY=");
        assert_eq!(STANDARD.encode(secrets.check_value().0), "YYcr/kg3kuMolLkf4fM7Fjloaez1Vmdy1/7wpBB41tc=");
        assert_eq!(STANDARD.encode(secrets.digest("abc").0), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }
}
