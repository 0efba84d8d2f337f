DROP INDEX deliveries_pending_idx;
