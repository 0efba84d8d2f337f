-- While a change of number is pending: the token that confirmed phone_number.
ALTER TABLE customers ADD COLUMN held_token TEXT;
