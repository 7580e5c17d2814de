-- Finds the conversations whose snooze ends.
CREATE INDEX CONCURRENTLY IF NOT EXISTS conversations_snoozed_idx ON conversations (snoozed_until) WHERE snoozed_until IS NOT NULL;
