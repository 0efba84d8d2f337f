-- Events on their way to webhook endpoints. Pending while neither accepted nor failed; next_try_at is not there while an
-- earlier event of the customer is waited for.
CREATE TABLE deliveries (
    id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    event_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    position BIGINT NOT NULL,
    repeat TEXT,
    tries BIGINT NOT NULL,
    next_try_at TIMESTAMPTZ,
    accepted_at TIMESTAMPTZ,
    failed_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (id)
);
