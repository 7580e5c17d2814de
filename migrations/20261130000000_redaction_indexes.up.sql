-- The task that asks the provider looks every second for what is due of one account, and for
-- what has waited too long: neither may read through what waits for another account.
CREATE INDEX CONCURRENTLY IF NOT EXISTS redactions_account_idx ON redactions (account, next_try) WHERE outcome = 'waiting';
--bun:split
CREATE INDEX CONCURRENTLY IF NOT EXISTS redactions_created_idx ON redactions (created_at) WHERE outcome = 'waiting';
--bun:split
DROP INDEX CONCURRENTLY IF EXISTS redactions_due_idx;
