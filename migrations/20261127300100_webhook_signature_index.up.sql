CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_signature_idx ON webhook_events (signature_key)
    WHERE signature_key IS NOT NULL;
--bun:split
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_notice_idx ON webhook_events (id DESC) WHERE notice <> '';
