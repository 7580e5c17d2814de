DROP INDEX CONCURRENTLY IF EXISTS webhook_events_notice_idx;
--bun:split
DROP INDEX CONCURRENTLY IF EXISTS webhook_events_signature_idx;
