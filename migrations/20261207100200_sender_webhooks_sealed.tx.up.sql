-- Addresses of other systems can hold what signs in there: what a webhook was and became is kept encrypted by SECRET_KEY. Rows of
-- older versions are encrypted as the server starts, which alone has the key.
ALTER TABLE sender_webhooks
    ALTER COLUMN before DROP NOT NULL,
    ALTER COLUMN after DROP NOT NULL,
    ADD COLUMN webhooks_sealed text NOT NULL DEFAULT '',
    ADD CONSTRAINT sender_webhooks_webhooks_sealed_sealed
        CHECK (webhooks_sealed = '' OR webhooks_sealed ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$');
