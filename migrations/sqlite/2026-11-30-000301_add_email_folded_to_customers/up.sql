-- The e-mail address in lower case, to be looked up by.
ALTER TABLE customers ADD COLUMN email_folded TEXT;
