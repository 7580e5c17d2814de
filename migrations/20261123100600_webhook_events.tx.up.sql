-- Every request from Twilio exactly as it came.
CREATE TABLE webhook_events (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text        NOT NULL CHECK (kind IN ('inbound', 'status')),
    sid             text        NOT NULL,
    dedupe_key      text        NOT NULL UNIQUE,
    message_id      bigint, -- our own id from the callback's query, 0 when it had none
    params          jsonb       NOT NULL,
    headers         jsonb       NOT NULL DEFAULT '{}',
    signature_valid boolean     NOT NULL,
    received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at      timestamptz,
    error           text        NOT NULL DEFAULT ''
) WITH (fillfactor = 85);
CREATE INDEX webhook_events_waiting_idx ON webhook_events (kind, id) WHERE applied_at IS NULL;
CREATE INDEX webhook_events_sid_idx ON webhook_events (sid);
