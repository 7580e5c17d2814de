-- The audit trail is looked through by time, and by who did something.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_entries_created_idx ON audit_entries (created_at, id);
--bun:split
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_entries_operator_idx ON audit_entries (actor_id, created_at, id)
    WHERE actor_kind = 'operator';
