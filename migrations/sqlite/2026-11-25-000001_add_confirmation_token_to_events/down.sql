ALTER TABLE events DROP COLUMN confirmation_token;
