DROP TABLE delivery_tries;
