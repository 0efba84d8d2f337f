DROP INDEX deliveries_event_id_idx;
