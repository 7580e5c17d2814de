ALTER TABLE campaigns DROP COLUMN usual_hours;
