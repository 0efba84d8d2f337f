-- While a change of number is pending: when the token that confirmed phone_number was sent.
ALTER TABLE customers ADD COLUMN held_sent_at TIMESTAMPTZ;
