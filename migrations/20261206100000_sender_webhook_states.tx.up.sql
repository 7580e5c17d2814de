-- What Twilio made of a change of a sender's webhooks, and whether there is anything to put back: not where it was ours before.
ALTER TABLE sender_webhooks
    ADD COLUMN state     text    NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'failed')),
    ADD COLUMN from_here boolean NOT NULL DEFAULT false;
UPDATE sender_webhooks SET state = 'done', from_here = coalesce(before ->> 'callbackUrl', '') LIKE '%/webhooks/twilio/inbound%';
