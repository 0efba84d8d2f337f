-- Secrets are sealed under the service's secret key. One that is deleted stays until its deliveries are gone.
CREATE TABLE webhook_endpoints (
    id UUID NOT NULL,
    url TEXT NOT NULL,
    -- Names with a space between.
    event_types TEXT NOT NULL,
    description TEXT,
    secret BYTEA NOT NULL,
    previous_secret BYTEA,
    previous_secret_until TIMESTAMPTZ,
    disabled_at TIMESTAMPTZ,
    disabled_reason TEXT,
    failing_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id)
);
