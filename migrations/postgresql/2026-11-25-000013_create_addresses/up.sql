-- Customers' addresses, one a purpose.
CREATE TABLE addresses (
    customer_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    company TEXT,
    line1 TEXT NOT NULL,
    line2 TEXT,
    postal_code TEXT,
    city TEXT,
    region TEXT,
    country TEXT NOT NULL,
    CONSTRAINT addresses_pkey PRIMARY KEY (customer_id, purpose),
    CONSTRAINT addresses_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
