//! Whose certificates are believed.

use super::*;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

struct Issued {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// A certificate of its own issuer.
fn issue(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
    change(&mut parameters);
    let certificate = parameters.self_signed(&key).unwrap();
    Issued { certificate: certificate.into(), key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

/// A receiver under TLS that accepts everything.
async fn serve(issued: &Issued) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.certificate.clone()], issued.key.clone_key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                read_request(&mut stream).await?;
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
                stream.flush().await
            });
        }
    });
    port
}

/// A client that believes one certificate and knows every name as this machine.
fn believing(issued: &Issued) -> WebhookClient {
    let mut roots = RootCertStore::empty();
    roots.add(issued.certificate.clone()).unwrap();
    let (lookup, _) = lookup_of(&[&["127.0.0.1"]]);
    WebhookClient::with(String::new(), AllowedNetworks::loopback(), roots, lookup, Limits::default()).unwrap()
}

#[tokio::test]
async fn a_receiver_whose_issuer_is_believed_is_sent_to() {
    let issued = issue("receiver.example", |_| ());
    let port = serve(&issued).await;
    assert_eq!(send(&believing(&issued), format!("https://receiver.example:{port}/")).await, status(204));
    let issued = issue("127.0.0.1", |_| ());
    let port = serve(&issued).await;
    assert_eq!(send(&believing(&issued), format!("https://127.0.0.1:{port}/")).await, status(204));
}

#[tokio::test]
async fn a_receiver_with_another_certificate_is_not() {
    let issued = issue("receiver.example", |_| ());
    let port = serve(&issued).await;
    let another =
        |parameters: &mut CertificateParams| parameters.distinguished_name.push(DnType::CommonName, "Another");
    let believing_another = believing(&issue("receiver.example", another));
    let unknown = send(&believing_another, format!("https://receiver.example:{port}/")).await;
    assert_eq!(unknown, error("TLS: the certificate is of an unknown issuer"));
    let misnamed = send(&believing(&issued), format!("https://other.example:{port}/")).await;
    assert_eq!(misnamed, error("TLS: the certificate is for another name"));

    let expired = issue("receiver.example", |parameters| parameters.not_after = date_time_ymd(2020, 1, 1));
    let port = serve(&expired).await;
    let outcome = send(&believing(&expired), format!("https://receiver.example:{port}/")).await;
    assert_eq!(outcome, error("TLS: the certificate has expired"));
}

#[tokio::test]
async fn https_is_not_spoken_in_the_clear() {
    let mut receiver = Receiver::start(Play::Stall(Vec::new())).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let client = believing(&issue("receiver.example", |_| ()));
    let outcome = send(&client, format!("https://receiver.example:{port}/")).await;
    assert_eq!(outcome, error("TLS: the other side does not speak it"));
    assert!(receiver.requests.try_recv().is_err());
}
