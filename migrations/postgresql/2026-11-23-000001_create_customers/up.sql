-- The state of a customer and of the proof of his number. phone_number and confirmed_at are there once a number is
-- proved; the token, when it was made and when it was sent stay after it has confirmed.
CREATE TABLE customers (
    id UUID NOT NULL,
    phone_number TEXT,
    unconfirmed_phone_number TEXT NOT NULL,
    country_code TEXT NOT NULL,
    email TEXT,
    first_name TEXT,
    last_name TEXT,
    confirmation_token TEXT,
    token_generated_at TIMESTAMPTZ,
    token_wrong_tries BIGINT NOT NULL,
    confirmed_at TIMESTAMPTZ,
    confirmation_sent_at TIMESTAMPTZ,
    -- Wrong tries of the last day over all tokens: milliseconds since 1970, oldest first, a space between.
    wrong_tries TEXT NOT NULL,
    tokens_in_row BIGINT NOT NULL,
    last_token_at TIMESTAMPTZ,
    sequence BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_confirmed_check CHECK ((phone_number IS NULL) = (confirmed_at IS NULL)),
    CONSTRAINT customers_challenge_check CHECK (
        phone_number IS NOT NULL OR (confirmation_token IS NOT NULL AND token_generated_at IS NOT NULL)
    ),
    CONSTRAINT customers_sent_check CHECK (confirmation_token IS NOT NULL OR confirmation_sent_at IS NULL)
);
