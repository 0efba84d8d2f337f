-- By which ids card providers know customers.
CREATE TABLE provider_customers (
    customer_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    provider_customer TEXT NOT NULL,
    CONSTRAINT provider_customers_pkey PRIMARY KEY (customer_id, provider),
    CONSTRAINT provider_customers_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
) STRICT;
