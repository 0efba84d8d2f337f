CREATE TABLE delivery_tries (
    delivery_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status_code INTEGER,
    answer TEXT,
    error TEXT,
    CONSTRAINT delivery_tries_pkey PRIMARY KEY (delivery_id, number)
) STRICT;
