-- Of a campaign that goes to each recipient at their best hour: the hours of day in which people of the workspace read, from that
-- with the most reads on, since the first may lie in quiet hours; null: nobody knows, or it was started when usual_hour alone was kept.
ALTER TABLE campaigns ADD COLUMN usual_hours smallint[];
