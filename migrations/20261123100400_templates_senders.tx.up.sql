CREATE TABLE senders (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address         text        NOT NULL UNIQUE, -- E.164, or the SID of a Messaging Service (MG…)
    display_name    text        NOT NULL,
    rate_per_second double precision NOT NULL CHECK (rate_per_second > 0),
    status          text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused', 'failed')),
    paused_reason   text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE templates (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL,
    language   text        NOT NULL,
    category   text        NOT NULL CHECK (category IN ('marketing', 'utility', 'authentication')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX templates_name_idx ON templates (lower(name), language) WHERE deleted_at IS NULL;

-- A version's text never changes; only its approval does.
CREATE TABLE template_versions (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    template_id      bigint      NOT NULL REFERENCES templates,
    version          int         NOT NULL,
    kind             text        NOT NULL CHECK (kind IN ('text', 'media', 'content')),
    body             text        NOT NULL,
    media_url        text        NOT NULL DEFAULT '',
    variables        jsonb       NOT NULL, -- expressions in the order of {{1}}, {{2}}…, with samples
    content_sid      text        NOT NULL DEFAULT '',
    approval_status  text        NOT NULL DEFAULT 'draft' CHECK (approval_status IN ('draft', 'submitted', 'approved', 'rejected', 'paused', 'disabled')),
    rejection_reason text        NOT NULL DEFAULT '',
    submitted_at     timestamptz,
    checked_at       timestamptz, -- when Twilio was last asked for its decision
    decided_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (template_id, version)
);
CREATE INDEX template_versions_submitted_idx ON template_versions (id) WHERE approval_status = 'submitted';
