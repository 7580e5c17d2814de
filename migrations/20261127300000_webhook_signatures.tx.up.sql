-- Twilio's signature runs names and values together, so that one signature fits many requests: it counts once, for the
-- request that came with it first. Both keys stay when an event's parameters are erased. Events of earlier versions,
-- and those of Twilio's log, have none.
ALTER TABLE webhook_events
    ADD COLUMN signature_key uuid,
    ADD COLUMN content_key   bigint,
    ADD COLUMN notice        text NOT NULL DEFAULT '';
-- Signatures of requests that told what was known already, as a retry to a second address does.
CREATE TABLE webhook_signatures (
    signature_key uuid        PRIMARY KEY,
    content_key   bigint      NOT NULL,
    event_id      bigint      NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
