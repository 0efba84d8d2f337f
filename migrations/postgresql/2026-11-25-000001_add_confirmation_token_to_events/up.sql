-- The token that the event carries, where it carries one: to know it from a later one.
ALTER TABLE events ADD COLUMN confirmation_token TEXT;
