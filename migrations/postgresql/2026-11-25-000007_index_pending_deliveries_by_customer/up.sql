CREATE INDEX deliveries_pending_idx ON deliveries (endpoint_id, customer_id, position)
    WHERE accepted_at IS NULL AND failed_at IS NULL AND repeat IS NULL;
