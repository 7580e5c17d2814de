DROP INDEX CONCURRENTLY IF EXISTS webhook_events_opt_outs_idx;

--bun:split

DROP INDEX CONCURRENTLY IF EXISTS webhook_events_inbound_idx;
