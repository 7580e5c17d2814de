-- Later events of a contact wait behind a parked one: this index holds nothing else.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_parked_idx ON webhook_events (contact_key, id)
    WHERE applied_at IS NULL AND next_attempt_at IS NOT NULL;
