-- The versions of other languages that a campaign sends beside its own: each contact gets theirs. Frozen at launch.
CREATE TABLE campaign_languages (
    campaign_id         bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    language            text   NOT NULL, -- as WhatsApp writes it
    template_version_id bigint NOT NULL REFERENCES template_versions,
    PRIMARY KEY (campaign_id, language)
);
CREATE INDEX campaign_languages_version_idx ON campaign_languages (template_version_id);
