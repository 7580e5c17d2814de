-- What came in of a log of messages, importer.Messages.
ALTER TABLE imports ADD COLUMN messages jsonb;
