-- Who wrote during some time is asked for what a campaign did beside those held out.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_inbound_created_idx ON messages (created_at) WHERE direction = 'inbound';
