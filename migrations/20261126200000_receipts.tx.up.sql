-- When an event happened, when it arrived and when it was recorded are three
-- times by three clocks. received_at stays the third: the clock of Postgres.
ALTER TABLE webhook_events
    ADD COLUMN happened_at     timestamptz,                    -- by the provider's clock, where it says so
    ADD COLUMN arrived_at      timestamptz,                    -- by the clock of the server that answered; null: as recorded
    ADD COLUMN source          text    NOT NULL DEFAULT 'live',
    ADD CONSTRAINT webhook_events_source_check CHECK (source IN ('live', 'spool', 'log')) NOT VALID,
    ADD COLUMN contact_key     text    NOT NULL DEFAULT '',    -- of an inbound message: whom order is kept for
    ADD COLUMN urgent          boolean NOT NULL DEFAULT false, -- an opt-out, which waits behind nothing
    ADD COLUMN attempts        int     NOT NULL DEFAULT 0,     -- to apply it, that failed
    ADD COLUMN next_attempt_at timestamptz;                    -- it is parked until then
