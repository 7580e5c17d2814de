-- At most so many campaign messages to a contact within so many days.
ALTER TABLE campaigns ADD COLUMN frequency_cap jsonb;
