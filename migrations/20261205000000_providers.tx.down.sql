DROP TABLE sender_webhooks;
DROP TABLE provider_credentials;
ALTER TABLE template_versions DROP COLUMN provider;
ALTER TABLE campaigns DROP COLUMN provider;
ALTER TABLE senders DROP COLUMN provider;
DROP FUNCTION provider_now();
ALTER TABLE provider_periods DROP COLUMN provider;
