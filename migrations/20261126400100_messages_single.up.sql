-- Messages outside campaigns, to be asked for by id. Its columns never change, so
-- that receipts stay heap-only updates.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_single_idx ON messages (id) WHERE campaign_id IS NULL AND direction = 'outbound';
