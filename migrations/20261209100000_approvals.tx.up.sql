-- A second person approves campaigns, where the settings ask for it: see docs/campaigns.md.
ALTER TABLE campaigns
    ADD COLUMN edited_by           bigint REFERENCES operators, -- who made it or changed it last; of an API token its owner
    ADD COLUMN approval            text NOT NULL DEFAULT '' CHECK (approval IN ('', 'waiting', 'approved', 'sent_back')),
    ADD COLUMN approval_asked_by   bigint REFERENCES operators, -- who launched or scheduled it; null: the engine found that it needs one
    ADD COLUMN approval_asked_at   timestamptz,
    ADD COLUMN approval_decided_by bigint REFERENCES operators,
    ADD COLUMN approval_decided_at timestamptz,
    ADD COLUMN approval_reason     text NOT NULL DEFAULT '', -- why it was sent back
    ADD COLUMN approval_of         bytea, -- hash of what was approved
    -- Also of a worker of the previous version, which knows nothing of approvals.
    ADD CONSTRAINT campaigns_approved CHECK (approval <> 'waiting' OR status NOT IN ('preparing', 'sending', 'paused', 'completed'));

UPDATE campaigns c SET edited_by = coalesce(
    (SELECT CASE r.actor_kind WHEN 'operator' THEN r.actor_id WHEN 'api_token' THEN (SELECT t.operator_id FROM api_tokens t WHERE t.id = r.actor_id) END
     FROM revisions r WHERE r.entity = 'campaign' AND r.entity_id = c.id), c.created_by)
WHERE c.status IN ('draft', 'scheduled');
