CREATE INDEX customers_unconfirmed_created_at_idx ON customers (created_at) WHERE phone_number IS NULL;
