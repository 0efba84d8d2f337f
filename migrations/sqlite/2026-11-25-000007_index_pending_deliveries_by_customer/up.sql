-- The customer comes first: no other index begins so, and no planner that has not counted yet can take another.
CREATE INDEX deliveries_pending_idx ON deliveries (customer_id, endpoint_id, position)
    WHERE accepted_at IS NULL AND failed_at IS NULL AND repeat IS NULL;
