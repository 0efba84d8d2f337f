-- Those that are due are looked for every few seconds.
CREATE INDEX card_detachments_next_try_at_idx ON card_detachments (provider, next_try_at);
