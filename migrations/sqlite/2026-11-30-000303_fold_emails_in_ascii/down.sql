UPDATE customers SET email_folded = NULL, email_folded_of = NULL;
