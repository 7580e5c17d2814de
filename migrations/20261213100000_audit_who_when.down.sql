DROP INDEX CONCURRENTLY IF EXISTS audit_entries_operator_idx;
--bun:split
DROP INDEX CONCURRENTLY IF EXISTS audit_entries_created_idx;
