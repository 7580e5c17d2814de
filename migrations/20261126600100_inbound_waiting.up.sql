-- Contacts that opt out are looked for beside all other inbound messages, however many of those wait.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_opt_outs_idx ON webhook_events (id)
    WHERE applied_at IS NULL AND urgent;

--bun:split

CREATE INDEX CONCURRENTLY IF NOT EXISTS webhook_events_inbound_idx ON webhook_events (contact_key, id)
    WHERE applied_at IS NULL AND kind = 'inbound';
