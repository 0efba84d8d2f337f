//! What is derived from the service's secret key, and the secrets that callers hold.

use std::fmt;

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
    /// A value that tells whether two processes have the same secret key, and nothing else about it.
    fn check_value(&self) -> Digest;
    /// The same of the previous secret key, where one is set.
    fn previous_check_value(&self) -> Option<Digest>;
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
