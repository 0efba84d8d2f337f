-- The ids of customers who were erased: they are never used again, and can be erased once more after a restore.
CREATE TABLE erased_customers (
    id BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    CONSTRAINT erased_customers_pkey PRIMARY KEY (id)
) STRICT;
