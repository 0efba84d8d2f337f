-- What is remembered for a day of numbers that were given up, under a keyed hash of the number.
CREATE TABLE number_memories (
    number BLOB NOT NULL,
    -- Wrong tries and tokens: milliseconds since 1970, oldest first, a space between.
    wrong_tries TEXT NOT NULL,
    tokens TEXT NOT NULL,
    forgotten_at INTEGER NOT NULL,
    CONSTRAINT number_memories_pkey PRIMARY KEY (number)
) STRICT;
