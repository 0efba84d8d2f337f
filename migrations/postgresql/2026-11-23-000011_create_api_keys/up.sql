-- API keys by the SHA-256 of the key: nobody can make the key of what stands here.
CREATE TABLE api_keys (
    id UUID NOT NULL,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_digest_key UNIQUE (digest)
);
