-- A campaign may go to each recipient in the hour in which they usually read: see docs/campaigns.md.
ALTER TABLE campaigns
    ADD COLUMN best_hour  boolean NOT NULL DEFAULT false,
    ADD COLUMN usual_hour smallint CHECK (usual_hour BETWEEN 0 AND 23), -- of the workspace when it started; null: nobody knows
    ADD COLUMN resumed_at timestamptz; -- it last went on after a pause
