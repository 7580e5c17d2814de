-- No SQL can decrypt what is encrypted: those addresses cannot be put back any more.
DELETE FROM sender_webhooks WHERE before IS NULL OR after IS NULL;
ALTER TABLE sender_webhooks DROP COLUMN webhooks_sealed, ALTER COLUMN before SET NOT NULL, ALTER COLUMN after SET NOT NULL;
