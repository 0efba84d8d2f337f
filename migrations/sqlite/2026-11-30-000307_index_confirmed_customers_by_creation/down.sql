DROP INDEX customers_confirmed_idx;
