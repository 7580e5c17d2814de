ALTER TABLE sender_webhooks DROP COLUMN state, DROP COLUMN from_here;
