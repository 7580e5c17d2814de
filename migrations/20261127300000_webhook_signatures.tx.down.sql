DROP TABLE webhook_signatures;
ALTER TABLE webhook_events DROP COLUMN signature_key, DROP COLUMN content_key, DROP COLUMN notice;
