-- An event is queued once for an endpoint, unless somebody asks for it again.
CREATE UNIQUE INDEX deliveries_endpoint_id_position_key ON deliveries (endpoint_id, position) WHERE repeat IS NULL;
