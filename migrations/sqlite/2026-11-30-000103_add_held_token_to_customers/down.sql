ALTER TABLE customers DROP COLUMN held_token;
