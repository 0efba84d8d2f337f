-- Tokens of the last day for the number that waits, or waited last: as wrong_tries.
ALTER TABLE customers ADD COLUMN token_times TEXT NOT NULL DEFAULT '';
