-- Links to the customer's own pages, by the digest of their code.
CREATE TABLE links (
    id UUID NOT NULL,
    customer_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    generation BIGINT NOT NULL,
    code BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT links_pkey PRIMARY KEY (id),
    CONSTRAINT links_code_key UNIQUE (code),
    CONSTRAINT links_customer_id_purpose_generation_key UNIQUE (customer_id, purpose, generation),
    CONSTRAINT links_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
