ALTER TABLE contact_topics DROP COLUMN said_to, DROP COLUMN left_at, DROP COLUMN left_source;
