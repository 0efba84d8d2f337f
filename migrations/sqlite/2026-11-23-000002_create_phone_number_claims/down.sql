DROP TABLE phone_number_claims;
