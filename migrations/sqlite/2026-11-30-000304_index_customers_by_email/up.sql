CREATE INDEX customers_email_folded_idx ON customers (email_folded, created_at, id)
    WHERE email_folded IS NOT NULL;
