-- When a campaign goes to each recipient by the clocks where they are: {"date": "2026-12-01", "time": "10:00"}.
ALTER TABLE campaigns ADD COLUMN local_start jsonb;
