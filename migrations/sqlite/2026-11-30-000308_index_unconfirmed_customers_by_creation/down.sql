DROP INDEX customers_unconfirmed_idx;
