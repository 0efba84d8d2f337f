//! Why an adapter cannot be made.

/// Why an adapter cannot be made. It holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The TLS library does not take its own settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The file of NATS credentials cannot be read.
    #[error("the file of NATS credentials cannot be read: {0}")]
    CredentialsFile(std::io::ErrorKind),
    /// The file of NATS credentials holds something else.
    #[error("the file of NATS credentials holds no user JWT with its seed, as `nsc generate creds` writes them")]
    NoCredentials,
    /// Credentials were given twice.
    #[error("NATS credentials are given both in the URL and as a file: leave one out")]
    CredentialsTwice,
}
