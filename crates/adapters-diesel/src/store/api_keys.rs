//! API keys, by the digest of the key.

use async_trait::async_trait;
use diesel::prelude::*;
use domain::Timestamp;
use ports::{ApiKey, ApiKeyId, ApiKeyRepository, Digest, Scope, StoreError};

use super::{Connection, Failure, Store, read_all, reading, write};
use crate::gather::Question;
use crate::row::Row;
use crate::schema::api_keys;
use crate::sql_types::{RowId, RowInstant};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, treat_none_as_default_value = false)]
struct ApiKeyRow {
    id: RowId,
    name: String,
    scope: String,
    digest: Vec<u8>,
    created_at: RowInstant,
    expires_at: Option<RowInstant>,
    revoked_at: Option<RowInstant>,
}

#[async_trait]
impl ApiKeyRepository for Store {
    async fn insert(&self, key: ApiKey) -> Result<(), StoreError> {
        let row = ApiKeyRow::from(key);
        self.writers
            .run(move |connection| {
                write(connection, |connection| {
                    diesel::insert_into(api_keys::table).values(&row).execute(connection)?;
                    Ok(())
                })
            })
            .await
    }

    async fn find_by_digest(&self, digest: &Digest) -> Result<Option<ApiKey>, StoreError> {
        self.keys.ask(FindKey(*digest)).await
    }

    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.readers
            .run(|connection| {
                let rows: Vec<ApiKeyRow> = api_keys::table
                    .order((api_keys::created_at, api_keys::id))
                    .select(ApiKeyRow::as_select())
                    .load(connection)?;
                rows.into_iter().map(ApiKey::try_from).collect()
            })
            .await
    }

    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
        let (id, now) = (RowId(id.0), RowInstant::from(now));
        self.writers
            .run(move |connection| {
                write(connection, |connection| {
                    let usable = api_keys::table.find(id).filter(api_keys::revoked_at.is_null());
                    diesel::update(usable).set(api_keys::revoked_at.eq(now)).execute(connection)?;
                    let found: i64 = api_keys::table.find(id).count().get_result(connection)?;
                    Ok(found > 0)
                })
            })
            .await
    }
}

/// The key with this digest.
pub(super) struct FindKey(Digest);

/// Callers keep what they find for a moment, and all who come when that is over ask for the same key at once.
impl Question<Connection> for FindKey {
    type Answer = Option<ApiKey>;

    const MOST: usize = 64;

    fn answer(connection: &mut Connection, questions: &[Self]) -> Result<Vec<Option<Self::Answer>>, Failure> {
        let mut digests: Vec<&[u8]> = questions.iter().map(|question| question.0.0.as_slice()).collect();
        digests.sort_unstable();
        digests.dedup();
        let rows: Vec<ApiKeyRow> = reading(connection, digests.len(), |connection| {
            let rows = read_all(
                connection,
                &digests,
                |connection, digests| {
                    let rows = api_keys::table.filter(api_keys::digest.eq_any(digests));
                    rows.select(ApiKeyRow::as_select()).load(connection)
                },
                |connection, digest| {
                    let rows = api_keys::table.filter(api_keys::digest.eq(*digest));
                    rows.select(ApiKeyRow::as_select()).load(connection)
                },
            );
            Ok(rows?)
        })?;
        let keys = rows.into_iter().map(ApiKey::try_from).collect::<Result<Vec<_>, _>>()?;
        let of = |question: &Self| keys.iter().find(|key| key.digest == question.0).cloned();
        Ok(questions.iter().map(|question| Some(of(question))).collect())
    }
}

impl From<ApiKey> for ApiKeyRow {
    fn from(key: ApiKey) -> Self {
        Self {
            id: RowId(key.id.0),
            name: key.name,
            scope: key.scope.as_str().to_owned(),
            digest: key.digest.0.to_vec(),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(RowInstant::from),
            revoked_at: key.revoked_at.map(RowInstant::from),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Failure;

    fn try_from(stored: ApiKeyRow) -> Result<Self, Failure> {
        let row = Row::new("api_keys", stored.id.0);
        Ok(Self {
            id: ApiKeyId(stored.id.0),
            scope: row.parsed("scope", Scope::parse(&stored.scope))?,
            digest: row.digest("digest", &stored.digest)?,
            name: stored.name,
            created_at: row.time("created_at", stored.created_at)?,
            expires_at: row.optional_time("expires_at", stored.expires_at)?,
            revoked_at: row.optional_time("revoked_at", stored.revoked_at)?,
        })
    }
}
