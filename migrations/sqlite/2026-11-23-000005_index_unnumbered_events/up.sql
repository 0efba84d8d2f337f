-- Empty most of the time: it answers "is anything unnumbered?" at once.
CREATE INDEX events_unnumbered_idx ON events (occurred_at, sequence, id) WHERE position IS NULL;
