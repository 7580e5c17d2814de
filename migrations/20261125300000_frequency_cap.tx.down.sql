ALTER TABLE campaigns DROP COLUMN frequency_cap;
