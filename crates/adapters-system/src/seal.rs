//! Sealing what is kept but must be read again: AES-256-GCM (NIST SP 800-38D).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use ports::Sealed;
use rand::Rng;

/// The form of what is sealed: this byte, the nonce, the encrypted text with its tag.
const FORM: u8 = 1;
const NONCE_LENGTH: usize = 12;

/// A key that seals for one purpose. Nonces are drawn, which is safe for far more texts than an installation has
/// secrets: 2³² under one key.
#[derive(Clone)]
pub(crate) struct SealingKey(Aes256Gcm);

impl SealingKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    #[expect(clippy::disallowed_methods, reason = "this crate is where random numbers are drawn")]
    pub(crate) fn seal(&self, context: &[u8], plain: &[u8]) -> Sealed {
        let mut nonce = [0; NONCE_LENGTH];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: plain, aad: context };
        // It fails for texts of 64 GiB and more only. What is empty opens under no key, so nothing is given away.
        let encrypted = self.0.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        Sealed([[FORM].as_slice(), &nonce, &encrypted].concat())
    }

    pub(crate) fn unseal(&self, context: &[u8], Sealed(sealed): &Sealed) -> Option<Vec<u8>> {
        let (form, rest) = sealed.split_first()?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: encrypted, aad: context };
        if *form == FORM { self.0.decrypt(&Nonce::from(*nonce), payload).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_context() {
        let sealed = key(1).seal(b"one", b"secret");
        assert_eq!(key(1).unseal(b"one", &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(key(2).unseal(b"one", &sealed), None);
        assert_eq!(key(1).unseal(b"two", &sealed), None);
    }

    #[test]
    fn the_same_text_is_sealed_otherwise_each_time_and_nowhere_in_it() {
        let (first, second) = (key(1).seal(b"", b"a secret text"), key(1).seal(b"", b"a secret text"));
        assert_ne!(first, second);
        assert!(!first.0.windows(6).any(|part| part == b"secret"));
    }

    #[test]
    fn what_is_damaged_does_not_open() {
        let sealed = key(1).seal(b"", b"secret");
        for at in 0..sealed.0.len() {
            let mut damaged = sealed.clone();
            damaged.0[at] ^= 1;
            assert_eq!(key(1).unseal(b"", &damaged), None, "byte {at}");
        }
        for length in 0..sealed.0.len() {
            assert_eq!(key(1).unseal(b"", &Sealed(sealed.0[..length].to_vec())), None, "{length} bytes");
        }
    }

    /// Stored secrets depend on it: a change here makes every endpoint's secret unreadable.
    #[test]
    fn the_form_is_pinned() {
        let sealed = [
            1, 156, 59, 104, 11, 46, 60, 4, 34, 218, 5, 98, 189, 206, 14, 222, 205, 86, 132, 150, 204, 234, 69, 6, 212,
            212, 182, 43, 21, 96, 74, 200, 196, 219, 65,
        ];
        assert_eq!(key(1).unseal(b"one", &Sealed(sealed.to_vec())).as_deref(), Some(b"secret".as_slice()));
    }
}
