-- Links to the customer's own pages, by the digest of their code.
CREATE TABLE links (
    id BLOB NOT NULL,
    customer_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    generation INTEGER NOT NULL,
    code BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CONSTRAINT links_pkey PRIMARY KEY (id),
    CONSTRAINT links_code_key UNIQUE (code),
    CONSTRAINT links_customer_id_purpose_generation_key UNIQUE (customer_id, purpose, generation),
    CONSTRAINT links_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
) STRICT;
