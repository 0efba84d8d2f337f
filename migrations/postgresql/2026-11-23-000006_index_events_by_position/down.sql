DROP INDEX events_position_key;
