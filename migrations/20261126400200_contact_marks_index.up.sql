-- Marks on contacts end by themselves.
CREATE INDEX CONCURRENTLY IF NOT EXISTS contacts_unreachable_idx ON contacts (unreachable_until) WHERE NOT reachable AND erased_at IS NULL;
--bun:split
CREATE INDEX CONCURRENTLY IF NOT EXISTS contacts_ineligible_idx ON contacts (ineligible_until) WHERE NOT marketing_eligible AND erased_at IS NULL;
