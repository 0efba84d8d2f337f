CREATE INDEX events_customer_id_position_idx ON events (customer_id, position);
