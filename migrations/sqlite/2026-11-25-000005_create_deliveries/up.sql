-- Events on their way to webhook endpoints. Pending while neither accepted nor failed; next_try_at is not there while an
-- earlier event of the customer is waited for.
CREATE TABLE deliveries (
    id BLOB NOT NULL,
    endpoint_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    customer_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    repeat TEXT,
    tries INTEGER NOT NULL,
    next_try_at INTEGER,
    accepted_at INTEGER,
    failed_at INTEGER,
    created_at INTEGER NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id)
) STRICT;
