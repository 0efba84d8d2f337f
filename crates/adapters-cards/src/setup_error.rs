//! Why an adapter cannot be made.

/// Why an adapter cannot be made. It holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The TLS library does not take its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// One key is for real cards and the other for test cards: no card could ever be saved.
    #[error(
        "CUSTOMERS_STRIPE_SECRET_KEY and CUSTOMERS_STRIPE_PUBLISHABLE_KEY must both be live keys or both be test keys"
    )]
    MixedKeys,
    /// The secret key cannot stand in a header.
    #[error("CUSTOMERS_STRIPE_SECRET_KEY must be printable ASCII characters without spaces")]
    SecretKey,
}
