DROP TABLE erased_customers;
