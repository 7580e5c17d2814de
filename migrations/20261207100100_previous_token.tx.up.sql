-- The auth token before the present one: Twilio signs webhooks with it until the new one is promoted there.
ALTER TABLE provider_credentials
    ADD COLUMN previous_auth_token text NOT NULL DEFAULT '',
    ADD COLUMN previous_until      timestamptz,
    ADD CONSTRAINT provider_credentials_previous_auth_token_sealed
        CHECK (previous_auth_token = '' OR previous_auth_token ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$'),
    ADD CONSTRAINT provider_credentials_previous_check CHECK ((previous_auth_token = '') = (previous_until IS NULL));
