DELETE FROM event_numbering;
