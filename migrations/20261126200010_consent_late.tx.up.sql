-- A decision that became known late orders by its own time alone.
ALTER TABLE consent_events ADD COLUMN late boolean NOT NULL DEFAULT false;
