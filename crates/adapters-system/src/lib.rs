//! The clock, ids, tokens and keyed hashes behind their ports.
//!
//! The one place of the workspace that reads the clock or draws random numbers. Hashes and key derivation are
//! `RustCrypto`'s; nothing here is a cipher of our own.

mod generators;
mod seal;
mod secret_key;
mod system_clock;

pub use generators::{RandomTokens, UuidIds, random_key};
pub use secret_key::{DerivedSecrets, SecretKey, SecretKeyError};
pub use system_clock::SystemClock;
