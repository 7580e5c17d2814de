ALTER TABLE provider_credentials DROP COLUMN previous_auth_token, DROP COLUMN previous_until;
