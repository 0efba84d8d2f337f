-- Cards that are no customer's any more and are yet to be removed at their provider.
CREATE TABLE card_detachments (
    id BLOB NOT NULL,
    provider TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try_at INTEGER NOT NULL,
    CONSTRAINT card_detachments_pkey PRIMARY KEY (id)
) STRICT;
