DROP TABLE number_memories;
