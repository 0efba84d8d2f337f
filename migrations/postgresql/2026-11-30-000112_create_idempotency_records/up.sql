-- What came of requests that were sent with an idempotency key, by a keyed hash of the API key's id and that key.
CREATE TABLE idempotency_records (
    id BYTEA NOT NULL,
    -- A keyed hash of what was asked for.
    fingerprint BYTEA NOT NULL,
    -- Whom it was about.
    customer_id UUID,
    -- What is answered again, sealed; gone, where the customer was erased.
    outcome BYTEA,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT idempotency_records_pkey PRIMARY KEY (id)
);
