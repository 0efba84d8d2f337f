-- Whether the customer was erased, and what the event said of him with him.
ALTER TABLE events ADD COLUMN erased INTEGER NOT NULL DEFAULT FALSE;
