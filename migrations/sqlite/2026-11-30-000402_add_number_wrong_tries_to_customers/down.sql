ALTER TABLE customers DROP COLUMN number_wrong_tries;
