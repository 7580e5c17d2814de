-- Who clicked in a campaign is asked for its goal: few of many messages.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_clicked_idx ON messages (campaign_id, id) WHERE clicked_at IS NOT NULL AND campaign_id IS NOT NULL;
