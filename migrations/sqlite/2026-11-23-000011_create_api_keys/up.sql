-- API keys by the SHA-256 of the key: nobody can make the key of what stands here.
CREATE TABLE api_keys (
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_digest_key UNIQUE (digest)
) STRICT;
