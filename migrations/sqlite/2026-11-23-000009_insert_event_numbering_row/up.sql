INSERT INTO event_numbering (id, last_position) VALUES (1, 0);
