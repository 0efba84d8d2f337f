-- A number is held by a row here: that is what makes it unique, over all customers and all their numbers.
CREATE TABLE phone_number_claims (
    phone_number TEXT NOT NULL,
    customer_id UUID NOT NULL,
    CONSTRAINT phone_number_claims_pkey PRIMARY KEY (phone_number),
    CONSTRAINT phone_number_claims_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id)
);
