-- What came of requests that were sent with an idempotency key, by a keyed hash of the API key's id and that key.
CREATE TABLE idempotency_records (
    id BLOB NOT NULL,
    -- A keyed hash of what was asked for.
    fingerprint BLOB NOT NULL,
    -- Whom it was about.
    customer_id BLOB,
    -- What is answered again, sealed; gone, where the customer was erased.
    outcome BLOB,
    created_at INTEGER NOT NULL,
    CONSTRAINT idempotency_records_pkey PRIMARY KEY (id)
) STRICT;
