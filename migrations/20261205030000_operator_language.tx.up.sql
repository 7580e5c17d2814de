-- In which language an operator reads the pages; null: as their browser does. It is nothing that others edit, so it is no
-- revision.
ALTER TABLE operators ADD COLUMN language text CONSTRAINT operators_language CHECK (language IN ('en', 'de', 'es'));
