-- When a version's decision is asked for next, and how often in a row no answer
-- came: the next question then waits longer. The previous version asks without
-- looking here, which does no harm.
ALTER TABLE template_versions
    ADD COLUMN check_at       timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN check_failures int         NOT NULL DEFAULT 0;
DROP INDEX template_versions_submitted_idx;
CREATE INDEX template_versions_check_idx ON template_versions (check_at) WHERE approval_status = 'submitted';
