-- A pilot: how many recipients a campaign writes to before it pauses for somebody to look; 0: it does not.
ALTER TABLE campaigns
    ADD COLUMN pilot          int NOT NULL DEFAULT 0 CHECK (pilot >= 0),
    ADD COLUMN pilot_ended_at timestamptz;
