DROP TABLE sender_webhooks;
DROP TABLE provider_credentials;
ALTER TABLE template_versions DROP COLUMN provider;
ALTER TABLE campaigns DROP COLUMN provider;
UPDATE senders s SET address = substr(address, 9) WHERE starts_with(address, 'sandbox:')
    AND NOT EXISTS (SELECT 1 FROM senders o WHERE o.address = substr(s.address, 9));
ALTER TABLE senders DROP COLUMN provider;
DROP FUNCTION provider_hold();
DROP FUNCTION provider_at(timestamptz);
DROP FUNCTION provider_now();
ALTER TABLE provider_periods DROP COLUMN provider;
