-- The outbox. position is given after commit; readers go by it. No foreign key: events outlive an erased customer.
CREATE TABLE events (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    type TEXT NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    payload TEXT NOT NULL,
    position BIGINT,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_customer_id_sequence_key UNIQUE (customer_id, sequence)
);
