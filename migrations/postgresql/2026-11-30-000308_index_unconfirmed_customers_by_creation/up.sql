CREATE INDEX customers_unconfirmed_idx ON customers (created_at, id) WHERE phone_number IS NULL;
