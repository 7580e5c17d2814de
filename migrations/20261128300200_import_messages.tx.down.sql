ALTER TABLE imports DROP COLUMN messages;
