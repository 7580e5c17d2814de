DROP INDEX CONCURRENTLY IF EXISTS webhook_events_parked_idx;
