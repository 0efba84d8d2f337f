CREATE INDEX idempotency_records_customer_id_idx ON idempotency_records (customer_id) WHERE customer_id IS NOT NULL;
