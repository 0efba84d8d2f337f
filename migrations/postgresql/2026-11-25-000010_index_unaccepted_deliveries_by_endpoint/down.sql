DROP INDEX deliveries_unaccepted_idx;
