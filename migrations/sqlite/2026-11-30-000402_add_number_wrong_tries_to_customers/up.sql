-- Wrong tries of the last day at the number that waits, or waited last, by whoever held it: as wrong_tries, which are his own
-- at whichever number.
ALTER TABLE customers ADD COLUMN number_wrong_tries TEXT NOT NULL DEFAULT '';
