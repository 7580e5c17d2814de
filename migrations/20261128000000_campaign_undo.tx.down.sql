ALTER TABLE campaigns DROP COLUMN undo_until;
