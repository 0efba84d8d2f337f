DROP TABLE event_numbering;
