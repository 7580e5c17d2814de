ALTER TABLE campaigns
    DROP COLUMN pilot,
    DROP COLUMN pilot_ended_at;
