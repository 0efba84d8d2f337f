-- One row: tells whether a process has the secret key that this database was used with, and nothing else about it.
CREATE TABLE secret_check (
    id SMALLINT NOT NULL,
    digest BYTEA NOT NULL,
    CONSTRAINT secret_check_pkey PRIMARY KEY (id),
    CONSTRAINT secret_check_one_row_check CHECK (id = 1)
);
