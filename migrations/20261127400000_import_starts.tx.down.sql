ALTER TABLE imports DROP COLUMN starts, DROP COLUMN starts_row;
