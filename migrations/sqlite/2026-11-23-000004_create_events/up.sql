-- The outbox. position is given after commit; readers go by it. No foreign key: events outlive an erased customer.
CREATE TABLE events (
    id BLOB NOT NULL,
    customer_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    payload TEXT NOT NULL,
    position INTEGER,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_customer_id_sequence_key UNIQUE (customer_id, sequence)
) STRICT;
