DROP INDEX CONCURRENTLY IF EXISTS conversations_snoozed_idx;
