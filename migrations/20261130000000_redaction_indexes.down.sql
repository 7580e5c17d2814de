CREATE INDEX CONCURRENTLY IF NOT EXISTS redactions_due_idx ON redactions (next_try) WHERE outcome = 'waiting';
--bun:split
DROP INDEX CONCURRENTLY IF EXISTS redactions_created_idx;
--bun:split
DROP INDEX CONCURRENTLY IF EXISTS redactions_account_idx;
