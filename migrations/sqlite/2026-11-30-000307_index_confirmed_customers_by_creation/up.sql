CREATE INDEX customers_confirmed_idx ON customers (created_at, id) WHERE phone_number IS NOT NULL;
