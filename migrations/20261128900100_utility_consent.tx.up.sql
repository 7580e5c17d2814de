-- Where a contact stands with utility messages by what was recorded of those alone; the ledger decides it.
ALTER TABLE contacts ADD COLUMN utility_status text NOT NULL DEFAULT 'unknown';
