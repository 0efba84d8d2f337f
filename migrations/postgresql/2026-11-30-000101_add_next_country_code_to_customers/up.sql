-- Of a customer who is to get another number: the region of that one. It is there as long as the change is pending; the
-- token and all about it are the other number's then, and country_code stays that of phone_number.
ALTER TABLE customers ADD COLUMN next_country_code TEXT;
