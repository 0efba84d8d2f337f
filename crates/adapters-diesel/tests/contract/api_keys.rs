//! API keys.

use ports::{ApiKey, ApiKeyId, Digest, Scope};

use crate::fixture::Fixture;
use crate::making::{at, fresh_number, fresh_uuid};

crate::on_both_databases!(
    a_key_is_found_by_its_digest_alone,
    keys_are_listed_in_the_order_of_their_making,
    a_revoked_key_keeps_the_first_time,
    a_digest_is_stored_once,
);

fn key(seconds: i64) -> ApiKey {
    let mut digest = [9; 32];
    digest[28..].copy_from_slice(&fresh_number().to_be_bytes());
    ApiKey {
        id: ApiKeyId(fresh_uuid()),
        name: "Büro 'x'".to_owned(),
        scope: Scope::Write,
        digest: Digest(digest),
        created_at: at(seconds),
        expires_at: None,
        revoked_at: None,
    }
}

async fn a_key_is_found_by_its_digest_alone(db: Fixture) {
    let keys = [
        key(0),
        ApiKey { scope: Scope::Read, expires_at: Some(at(90)), ..key(0) },
        ApiKey { revoked_at: Some(at(1)), ..key(0) },
    ];
    for key in keys {
        db.database.api_keys.insert(key.clone()).await.unwrap();
        assert_eq!(db.database.api_keys.find_by_digest(&key.digest).await.unwrap(), Some(key));
    }
    assert_eq!(db.database.api_keys.find_by_digest(&Digest([0; 32])).await.unwrap(), None);
}

async fn keys_are_listed_in_the_order_of_their_making(db: Fixture) {
    assert_eq!(db.database.api_keys.list().await.unwrap(), []);
    let keys = [key(3), key(1), ApiKey { revoked_at: Some(at(5)), ..key(2) }];
    for key in &keys {
        db.database.api_keys.insert(key.clone()).await.unwrap();
    }
    let [third, first, second] = keys;
    assert_eq!(db.database.api_keys.list().await.unwrap(), [first, second, third]);
}

async fn a_revoked_key_keeps_the_first_time(db: Fixture) {
    let (key, other) = (key(0), key(0));
    db.database.api_keys.insert(key.clone()).await.unwrap();
    db.database.api_keys.insert(other.clone()).await.unwrap();
    assert!(db.database.api_keys.revoke(key.id, at(10)).await.unwrap());
    assert!(db.database.api_keys.revoke(key.id, at(20)).await.unwrap());
    assert!(!db.database.api_keys.revoke(ApiKeyId(fresh_uuid()), at(10)).await.unwrap());
    let stored = db.database.api_keys.find_by_digest(&key.digest).await.unwrap().unwrap();
    assert_eq!(stored.revoked_at, Some(at(10)));
    assert_eq!(db.database.api_keys.find_by_digest(&other.digest).await.unwrap(), Some(other));
}

async fn a_digest_is_stored_once(db: Fixture) {
    let first = key(0);
    db.database.api_keys.insert(first.clone()).await.unwrap();
    let second = ApiKey { digest: first.digest, ..key(1) };
    assert!(db.database.api_keys.insert(second).await.is_err());
    assert_eq!(db.database.api_keys.list().await.unwrap(), [first]);
}
