ALTER TABLE customers DROP COLUMN held_sent_at;
