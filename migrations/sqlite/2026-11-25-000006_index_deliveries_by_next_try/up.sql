CREATE INDEX deliveries_due_idx ON deliveries (endpoint_id, next_try_at, position)
    WHERE accepted_at IS NULL AND failed_at IS NULL AND next_try_at IS NOT NULL;
