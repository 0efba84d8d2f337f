ALTER TABLE customers DROP COLUMN email_folded_of;
