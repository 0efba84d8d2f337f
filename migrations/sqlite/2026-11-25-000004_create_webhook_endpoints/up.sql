-- Secrets are sealed under the service's secret key. One that is deleted stays until its deliveries are gone.
CREATE TABLE webhook_endpoints (
    id BLOB NOT NULL,
    url TEXT NOT NULL,
    -- Names with a space between.
    event_types TEXT NOT NULL,
    description TEXT,
    secret BLOB NOT NULL,
    previous_secret BLOB,
    previous_secret_until INTEGER,
    disabled_at INTEGER,
    disabled_reason TEXT,
    failing_since INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id)
) STRICT;
