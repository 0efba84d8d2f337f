-- Customers' cards, as much of each as is kept.
CREATE TABLE cards (
    customer_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    setup TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    exp_month INTEGER NOT NULL,
    exp_year INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT cards_pkey PRIMARY KEY (customer_id),
    CONSTRAINT cards_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
) STRICT;
