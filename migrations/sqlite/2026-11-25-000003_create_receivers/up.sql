-- How far each receiver of events has come in the log, and which process works for it until when.
CREATE TABLE receivers (
    id BLOB NOT NULL,
    position INTEGER NOT NULL,
    lease_holder BLOB,
    lease_ends_at INTEGER,
    CONSTRAINT receivers_pkey PRIMARY KEY (id)
) STRICT;
