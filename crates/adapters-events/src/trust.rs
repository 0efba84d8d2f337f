//! Whose certificates are believed.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// The machine's authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), or Mozilla's where the machine has
/// none: a container may hold nothing but the binary. They are read once.
pub(crate) fn roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "certificate authorities of the machine cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::info!("the machine has no certificate authorities: those of Mozilla are believed");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// TLS as a client, without a certificate of its own. The provider is named here, so that none need be installed for
/// the whole process.
pub(crate) fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What another process finds whose authorities are in this file.
    fn found_with(file: &std::path::Path) -> String {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--exact", "trust::tests::somebody_is_believed_on_every_machine", "--nocapture"]);
        let output = command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find_map(|line| line.split_once("authorities: ")).map(|(_, count)| count.to_owned()).unwrap()
    }

    // The other tests run it again, each with an environment of its own.
    #[test]
    fn somebody_is_believed_on_every_machine() {
        println!("authorities: {}", roots().len());
        assert!(!roots().is_empty());
    }

    #[test]
    fn the_file_of_authorities_may_be_named_by_the_environment() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("authorities.pem");
        let authority = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
        std::fs::write(&file, authority.cert.pem()).unwrap();
        assert_eq!(found_with(&file), "1");
    }

    #[test]
    fn a_machine_without_authorities_believes_those_of_mozilla() {
        let directory = tempfile::tempdir().unwrap();
        let count = webpki_roots::TLS_SERVER_ROOTS.len();
        assert!(count > 50);
        for file in ["missing.pem", "empty.pem"] {
            let file = directory.path().join(file);
            if file.ends_with("empty.pem") {
                std::fs::write(&file, "").unwrap();
            }
            assert_eq!(found_with(&file), count.to_string());
        }
    }
}
