//! Credentials and certificates.

use super::*;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::json;

use crate::SetupError;

const REFUSED: &str = "NATS cannot be reached: it does not take the credentials";

fn with_user(server: &Server, user: &str) -> NatsBroker {
    broker(&server.url().replace("://", &format!("://{user}@")))
}

#[tokio::test]
async fn a_user_and_password_or_a_token_is_taken_from_the_url() {
    let server = Server::start_with("authorization { user: me, password: \"p@ss/word\" }").await;
    assert_eq!(publish_one(&with_user(&server, "me:p%40ss%2Fword"), event(1)).await, Ok(()));
    assert_eq!(publish_one(&with_user(&server, "me:wrong"), event(1)).await.unwrap_err(), REFUSED);
    assert_eq!(publish_one(&server.broker(), event(1)).await.unwrap_err(), REFUSED);

    let server = Server::start_with("authorization { token: s3cr3t }").await;
    assert_eq!(publish_one(&with_user(&server, "s3cr3t"), event(1)).await, Ok(()));
    assert_eq!(publish_one(&with_user(&server, "wrong"), event(1)).await.unwrap_err(), REFUSED);
}

#[tokio::test]
async fn the_rights_that_the_documentation_names_are_enough_and_one_that_is_missing_is_named() {
    let documented = include_str!("../../../../../docs/operating.md");
    let rights = documented.split_once("    permissions: {").unwrap().1.split_once("\n    }").unwrap().0;
    let settings = |rights: &str| {
        format!("authorization {{ users: [{{ user: me, password: secret, permissions: {{ {rights} }} }}] }}")
    };
    let server = Server::start_with(&settings(rights)).await;
    let broker = with_user(&server, "me:secret");
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
    let customer = event(1).customer_id.unwrap();
    assert_eq!(broker.purge(customer).await, Ok(()));

    let server = Server::start_with(&settings(&rights.replace(", \"$JS.API.STREAM.PURGE.CUSTOMERS\"", ""))).await;
    let broker = with_user(&server, "me:secret");
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
    let error = broker.purge(customer).await.unwrap_err();
    assert!(error.contains("$JS.API.STREAM.PURGE.CUSTOMERS"), "{error}");
}

/// A JWT as NATS has them: signed by `issuer`, about `subject`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "jti": name, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": name, "sub": subject.public_key(),
        "nats": nats,
    });
    let signed = format!("{}.{}", encode(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), encode(&claims));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn a_file_of_credentials_is_taken_and_read_anew_for_each_connection() {
    let (operator, account, user) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user());
    let system = KeyPair::new_account();
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1, "wildcards": true});
    let of_operator = jwt(&operator, &operator, "O", &json!({"type": "operator", "version": 2}));
    let of_account = jwt(&operator, &account, "A", &json!({"type": "account", "version": 2, "limits": limits}));
    let of_system = jwt(&operator, &system, "SYS", &json!({"type": "account", "version": 2}));
    let of_user = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
    let of_user = jwt(&account, &user, "U", &of_user);
    let (account, system) = (account.public_key(), system.public_key());
    let settings = format!(
        "operator: {of_operator}\nsystem_account: {system}\nresolver: MEMORY\n\
         resolver_preload {{ {account}: {of_account}, {system}: {of_system} }}"
    );
    let server = Server::start_with(&settings).await;
    let file = server.store.path().join("user.creds");
    let write = |seed: &str| {
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write(&KeyPair::new_user().seed().unwrap());
    let broker = NatsBroker::new(NatsSettings { credentials: Some(file.clone()), ..super::settings(&server.url()) });
    let broker = broker.unwrap();
    assert_eq!(publish_one(&broker, event(1)).await.unwrap_err(), REFUSED, "another user's seed");
    write(&user.seed().unwrap());
    assert_eq!(publish_one(&broker, event(1)).await, Ok(()));
}

#[test]
fn credentials_of_no_use_stop_the_start() {
    let make = |url: &str, file: PathBuf| {
        NatsBroker::new(NatsSettings { credentials: Some(file), ..settings(url) }).map(|_| ()).unwrap_err()
    };
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.creds");
    assert!(matches!(make("nats://a.example", missing.clone()), SetupError::CredentialsFile(_)));
    assert!(matches!(make("nats://me:x@a.example", missing), SetupError::CredentialsTwice));
    let other = directory.path().join("other.creds");
    std::fs::write(&other, "hunter2").unwrap();
    let error = make("nats://a.example", other);
    assert!(matches!(error, SetupError::NoCredentials) && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_servers_certificate_has_to_be_believed() {
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&certificate, issued.cert.pem()).unwrap();
    std::fs::write(&key, issued.signing_key.serialize_pem()).unwrap();
    let server = Server::start_with(&format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}")).await;

    let mut roots = RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    // A server that wants TLS gets it, whatever the URL says.
    for url in [server.url(), server.url().replace("nats:", "tls:")] {
        let believing = NatsBroker::with(settings(&url), roots.clone(), LIMIT).unwrap();
        assert_eq!(publish_one(&believing, event(1)).await, Ok(()));
        let error = publish_one(&broker(&url), event(1)).await.unwrap_err();
        assert_eq!(error, "NATS cannot be reached: TLS: the certificate is of an unknown issuer");
    }
    let plain = Server::start().await;
    let error = publish_one(&broker(&plain.url().replace("nats:", "tls:")), event(1)).await.unwrap_err();
    assert!(error.starts_with("NATS cannot be reached: TLS: "), "tls:// is never spoken in the clear: {error}");
}
