//! What is derived from the service's secret key, and the secrets that callers hold.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::LinkId;

/// A SHA-256 digest, or a keyed hash of the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

/// Derivations from the service's secret key, one sub-key a purpose, and digests of secrets that callers hold.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Secrets: Send + Sync {
    /// The SHA-256 of a secret that has enough bits of its own (an API key, a link's code): what is stored and looked
    /// up in its place. The same on every installation.
    fn digest(&self, secret: &str) -> Digest;
    /// The code of a link: always the same for one id and one secret key, and not to be guessed from the id alone.
    fn link_code(&self, id: LinkId) -> LinkCode;
    /// What one part of a link's form is believed by, as text: always the same for one link, part and secret key, and not
    /// to be guessed from the two.
    fn form_token(&self, link: LinkId, part: &str) -> String;
    /// A keyed hash (HMAC-SHA-256) under the purpose's sub-key, of what is to be known again and could be guessed.
    fn keyed_hash(&self, purpose: HashPurpose, message: &[u8]) -> KeyedHash;
    /// A value that tells whether two processes have the same secret key, and nothing else about it.
    fn check_value(&self) -> Digest;
    /// The same of the previous secret key, where one is set.
    fn previous_check_value(&self) -> Option<Digest>;
    /// Encrypts with authentication (AES-256-GCM) under the purpose's sub-key. It opens with the same `context` only, so
    /// that what is sealed for one row is of no use in another.
    fn seal(&self, purpose: SealPurpose, context: &[u8], plain: &[u8]) -> Sealed;
    /// What was sealed, by the secret key or the previous one; `None` where it was neither, or is damaged.
    fn unseal(&self, purpose: SealPurpose, context: &[u8], sealed: &Sealed) -> Option<Unsealed>;
}

/// What a keyed hash is for. Each purpose has a sub-key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashPurpose {
    /// Who sent which idempotency key.
    IdempotencyKey,
    /// What was asked for with it.
    Fingerprint,
    /// A phone number that somebody gave up.
    PhoneNumber,
    /// The place in a list from which a cursor goes on, which nobody else is to make up.
    Cursor,
}

/// A keyed hash by the secret key, and by the previous one where one is set: what was stored under that is found still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyedHash {
    /// By today's key.
    pub current: Digest,
    /// By the one before.
    pub previous: Option<Digest>,
}

impl KeyedHash {
    /// All that may be stored.
    pub fn all(self) -> Vec<Digest> {
        [self.current].into_iter().chain(self.previous).collect()
    }
}

/// The code in a link's URL: who holds it may edit. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCode(String);

impl LinkCode {
    /// Letters and digits in a code: 62¹² is more than 71 bits.
    pub const LENGTH: usize = 12;

    /// A code of [`LENGTH`](Self::LENGTH) ASCII letters and digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == Self::LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The code, for the URL.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCode(redacted)")
    }
}

/// An API key as its holder has it; only its digest is stored. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

impl ApiKeySecret {
    /// What every key begins with, so that people and secret scanners know one when they see it. It never changes:
    /// scanners are told of it, and keys in the field bear it.
    pub const PREFIX: &str = "ckey_";

    /// How long the random part is: 256 bits in base64, of the alphabet for URLs, without padding.
    pub const RANDOM_PART_CHARACTERS: usize = 43;

    /// Whether a text has the form of a key. What has not needs no look-up to be known as none.
    pub fn is_form_of(text: &str) -> bool {
        text.strip_prefix(Self::PREFIX).is_some_and(|random| {
            random.len() == Self::RANDOM_PART_CHARACTERS
                && random.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
    }

    /// A key made of its random part, which is put behind the prefix.
    pub fn from_random_part(random: &str) -> Self {
        Self(format!("{}{random}", Self::PREFIX))
    }

    /// The key, for the one time that it is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(redacted)")
    }
}

/// What a sealed text is for. Each purpose has a sub-key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// A webhook endpoint's secret.
    WebhookSecret,
    /// What is answered again to a request that is sent again.
    IdempotencyOutcome,
}

/// What [`Secrets::seal`] made: of no use without the secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// What was sealed. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// The text.
    pub plain: Vec<u8>,
    /// Whether it was sealed by the previous secret key, and is to be sealed anew.
    pub by_previous: bool,
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsealed(redacted)")
    }
}

/// What an endpoint's deliveries are signed with (Standard Webhooks 1.0.0): 24 to 64 bytes. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// What the text form begins with, before the base64 of the bytes.
    pub const PREFIX: &str = "whsec_";

    /// A secret of these bytes; `None` when they are too few or too many.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The secret as text, for the one time that it is shown.
    pub fn to_text(&self) -> String {
        format!("{}{}", Self::PREFIX, STANDARD.encode(&self.0))
    }

    /// The bytes, which are the key of the signature.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}
