-- Until then a launch can be undone, and nobody's message is made: its audience is taken afterwards.
ALTER TABLE campaigns ADD COLUMN undo_until timestamptz;
