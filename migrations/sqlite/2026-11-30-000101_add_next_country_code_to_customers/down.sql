ALTER TABLE customers DROP COLUMN next_country_code;
