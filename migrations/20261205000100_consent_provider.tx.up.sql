-- Under which provider a consent was recorded: one that somebody wrote to the sandbox is nobody's word. Null: an older version
-- recorded it, and provider_at(created_at) tells; the ledger is never changed.
ALTER TABLE consent_events ADD COLUMN provider text;
