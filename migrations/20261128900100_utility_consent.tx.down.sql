ALTER TABLE contacts DROP COLUMN utility_status;
