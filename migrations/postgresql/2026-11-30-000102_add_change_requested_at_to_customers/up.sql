-- When the change of number that is pending was asked for.
ALTER TABLE customers ADD COLUMN change_requested_at TIMESTAMPTZ;
