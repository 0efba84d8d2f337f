-- Customers' cards, as much of each as is kept.
CREATE TABLE cards (
    customer_id UUID NOT NULL,
    provider TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    setup TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    exp_month BIGINT NOT NULL,
    exp_year BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT cards_pkey PRIMARY KEY (customer_id),
    CONSTRAINT cards_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
