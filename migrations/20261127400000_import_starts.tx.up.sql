-- How often work on an import was begun at the same row without coming back: its file may be
-- what kills the process.
ALTER TABLE imports ADD COLUMN starts int NOT NULL DEFAULT 0, ADD COLUMN starts_row bigint NOT NULL DEFAULT 0;
