ALTER TABLE events ADD COLUMN token_generated_at INTEGER;
