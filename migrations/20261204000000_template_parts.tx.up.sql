-- A version says more than its text: header, footer, buttons, cards and so on, as package template writes them.
ALTER TABLE template_versions
    ADD COLUMN parts jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT template_versions_kind_check,
    ADD CONSTRAINT template_versions_kind_check CHECK (kind IN ('text', 'media', 'content', 'quick_reply', 'call_to_action', 'card',
        'list_picker', 'carousel', 'catalog', 'authentication', 'flow')),
    DROP CONSTRAINT template_versions_approval_status_check,
    ADD CONSTRAINT template_versions_approval_status_check CHECK (approval_status IN ('draft', 'submitted', 'approved', 'rejected',
        'paused', 'disabled', 'window_only'));

-- Files that WhatsApp fetches. The token is the address; nobody guesses it.
CREATE TABLE media (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token        text        NOT NULL UNIQUE,
    name         text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('image', 'video', 'document')),
    content_type text        NOT NULL,
    size         bigint      NOT NULL, -- bytes
    width        int         NOT NULL DEFAULT 0, -- of an image, in pixels
    height       int         NOT NULL DEFAULT 0,
    sha256       bytea       NOT NULL,
    operator_id  bigint      REFERENCES operators,
    created_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz
);
CREATE INDEX media_sha256_idx ON media (sha256);
-- Apart from what describes them: lists read no files.
CREATE TABLE media_files (
    media_id bigint PRIMARY KEY REFERENCES media ON DELETE CASCADE,
    data     bytea NOT NULL
);
ALTER TABLE media_files ALTER COLUMN data SET STORAGE EXTERNAL; -- images and videos are compressed already
