//! Who is believed to be the provider.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Asks a provider with a certificate for `name`, by way of `localhost`. With a file its certificate is believed: the
/// authorities of the machine are read from the environment, so it is another process that asks.
async fn ask(name: &str, believed: bool) -> String {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("authorities.pem");
    let authority = if believed { made.cert.pem() } else { generate_simple_self_signed([]).unwrap().cert.pem() };
    std::fs::write(&file, authority).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serving = tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            // One that does not trust the certificate hangs up.
            let Ok(mut connection) = acceptor.accept(connection).await else { continue };
            let _ = connection.read(&mut [0; 4096]).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\nconnection: close\r\n\r\n{\"id\":\"cus_7\"}";
            let _ = connection.write_all(answer).await;
            let _ = connection.shutdown().await;
        }
    });
    let answer = tokio::task::spawn_blocking(move || asked_by_another(&file, port)).await.unwrap();
    serving.abort();
    answer
}

fn asked_by_another(authorities: &Path, port: u16) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args(["--exact", "stripe::tests::tls::another_process_asks", "--nocapture"]);
    let command = command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
    let output = command.env("TEST_PROVIDER_PORT", port.to_string()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once("answered: "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

// The tests below run it, each with an environment of its own. By itself it has nobody to ask.
#[tokio::test]
async fn another_process_asks() {
    let Ok(port) = std::env::var("TEST_PROVIDER_PORT") else { return };
    let cards = cards_at(&format!("https://localhost:{port}"));
    match cards.create_customer(customer(), None).await {
        Ok(id) => println!("answered: {id}"),
        Err(error) => println!("answered: {error}"),
    }
}

#[tokio::test]
async fn a_provider_whose_authority_the_machine_believes_is_asked() {
    assert_eq!(ask("localhost", true).await, "cus_7");
}

#[tokio::test]
async fn a_provider_that_shows_a_wrong_certificate_is_not_asked() {
    let refused = "the card provider is unavailable: making a customer: TLS: the certificate is not accepted";
    assert_eq!(ask("localhost", false).await, refused, "of an unknown authority");
    assert_eq!(ask("stripe.example", true).await, refused, "for another name");
}

#[tokio::test]
async fn a_provider_without_tls_is_not_asked() {
    let (server, _) = provider().await;
    let cards = cards_at(&server.uri().replace("http://", "https://"));
    let sentence = unavailable(cards.create_customer(customer(), None).await);
    assert_eq!(sentence, "making a customer: TLS: the handshake failed");
    assert_eq!(requests(&server).await, 0);
}
