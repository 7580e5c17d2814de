ALTER TABLE delivery_events ADD CONSTRAINT delivery_events_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages;
ALTER TABLE consent_events DROP COLUMN late;
ALTER TABLE webhook_events DROP COLUMN happened_at, DROP COLUMN arrived_at, DROP COLUMN source, DROP COLUMN contact_key,
    DROP COLUMN urgent, DROP COLUMN attempts, DROP COLUMN next_attempt_at;
