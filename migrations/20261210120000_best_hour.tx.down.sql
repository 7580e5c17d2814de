ALTER TABLE campaigns DROP COLUMN best_hour, DROP COLUMN usual_hour, DROP COLUMN resumed_at;
