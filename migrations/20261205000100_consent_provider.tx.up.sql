-- Under which provider a consent was recorded: one that somebody wrote to the sandbox is nobody's word.
ALTER TABLE consent_events ADD COLUMN provider text NOT NULL DEFAULT provider_now();
