CREATE INDEX phone_number_claims_customer_id_idx ON phone_number_claims (customer_id);
