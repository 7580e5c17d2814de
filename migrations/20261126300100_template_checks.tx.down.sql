DROP INDEX template_versions_check_idx;
CREATE INDEX template_versions_submitted_idx ON template_versions (id) WHERE approval_status = 'submitted';
ALTER TABLE template_versions DROP COLUMN check_at, DROP COLUMN check_failures;
