CREATE INDEX deliveries_endpoint_id_id_idx ON deliveries (endpoint_id, id);
