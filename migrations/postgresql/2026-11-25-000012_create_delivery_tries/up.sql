CREATE TABLE delivery_tries (
    delivery_id UUID NOT NULL,
    number BIGINT NOT NULL,
    tried_at TIMESTAMPTZ NOT NULL,
    duration_ms BIGINT NOT NULL,
    status_code BIGINT,
    answer TEXT,
    error TEXT,
    CONSTRAINT delivery_tries_pkey PRIMARY KEY (delivery_id, number)
);
