DROP INDEX events_unnumbered_idx;
