CREATE INDEX customers_change_requested_at_idx ON customers (change_requested_at) WHERE change_requested_at IS NOT NULL;
