ALTER TABLE campaigns DROP COLUMN local_start;
