DROP INDEX CONCURRENTLY IF EXISTS messages_inbound_created_idx;
