-- The address that email_folded was made of. Where it is not the customer's e-mail address, email_folded is not of today:
-- a release that does not know these columns has saved him.
ALTER TABLE customers ADD COLUMN email_folded_of TEXT;
