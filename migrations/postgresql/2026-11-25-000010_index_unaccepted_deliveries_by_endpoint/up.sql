-- Few among many: those that an operator looks for.
CREATE INDEX deliveries_unaccepted_idx ON deliveries (endpoint_id, id) WHERE accepted_at IS NULL;
