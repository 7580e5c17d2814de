-- Finds those of a campaign's messages that were answered.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_replied_idx ON messages (campaign_id, id) WHERE replied_at IS NOT NULL AND campaign_id IS NOT NULL;
