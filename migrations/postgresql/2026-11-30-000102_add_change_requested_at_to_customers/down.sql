ALTER TABLE customers DROP COLUMN change_requested_at;
