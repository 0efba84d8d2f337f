-- Addresses in ASCII, which is nearly all: the database has the same lower case for these as the service. It makes the
-- others itself.
UPDATE customers SET email_folded = lower(email), email_folded_of = email WHERE email NOT GLOB '*[^ -~]*';
