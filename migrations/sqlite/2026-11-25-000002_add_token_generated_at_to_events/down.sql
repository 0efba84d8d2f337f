ALTER TABLE events DROP COLUMN token_generated_at;
