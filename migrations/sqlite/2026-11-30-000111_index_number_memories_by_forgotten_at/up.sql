CREATE INDEX number_memories_forgotten_at_idx ON number_memories (forgotten_at);
