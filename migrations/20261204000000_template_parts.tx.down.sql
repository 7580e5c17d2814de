DROP TABLE media_files;
DROP TABLE media;
ALTER TABLE template_versions
    DROP CONSTRAINT template_versions_approval_status_check,
    DROP CONSTRAINT template_versions_kind_check,
    DROP COLUMN parts;
UPDATE template_versions SET kind = 'text';
UPDATE template_versions SET approval_status = 'draft' WHERE approval_status = 'window_only';
ALTER TABLE template_versions
    ADD CONSTRAINT template_versions_kind_check CHECK (kind IN ('text', 'media', 'content')),
    ADD CONSTRAINT template_versions_approval_status_check CHECK (approval_status IN ('draft', 'submitted', 'approved', 'rejected',
        'paused', 'disabled'));
