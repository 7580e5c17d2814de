-- Campaigns are put away, and sorted by labels.
ALTER TABLE campaigns
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN labels      text[] NOT NULL DEFAULT '{}' CHECK (cardinality(labels) <= 10),
    -- Also of a worker of the previous version: what sends, or will, is not archived.
    ADD CONSTRAINT campaigns_archived CHECK (archived_at IS NULL OR status IN ('draft', 'completed', 'canceled', 'failed'));
