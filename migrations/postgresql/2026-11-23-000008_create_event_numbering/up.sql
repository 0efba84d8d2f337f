-- One row: who holds its lock numbers events.
CREATE TABLE event_numbering (
    id SMALLINT NOT NULL,
    last_position BIGINT NOT NULL,
    CONSTRAINT event_numbering_pkey PRIMARY KEY (id),
    CONSTRAINT event_numbering_one_row_check CHECK (id = 1)
);
