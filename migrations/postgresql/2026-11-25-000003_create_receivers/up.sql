-- How far each receiver of events has come in the log, and which process works for it until when.
CREATE TABLE receivers (
    id UUID NOT NULL,
    position BIGINT NOT NULL,
    lease_holder UUID,
    lease_ends_at TIMESTAMPTZ,
    CONSTRAINT receivers_pkey PRIMARY KEY (id)
);
