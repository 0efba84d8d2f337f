CREATE INDEX customers_email_unfolded_idx ON customers (id)
    WHERE email IS DISTINCT FROM email_folded_of;
