ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_source_check, DROP COLUMN happened_at, DROP COLUMN arrived_at, DROP COLUMN source,
    DROP COLUMN contact_key, DROP COLUMN urgent, DROP COLUMN attempts, DROP COLUMN next_attempt_at;
