-- To which provider's number somebody said that they subscribe, and when and how they had left before: a subscription that
-- was only said to the sandbox ends when Twilio goes live.
ALTER TABLE contact_topics
    ADD COLUMN said_to     text,        -- sandbox or twilio; null: not by a message, or an older version wrote it
    ADD COLUMN left_at     timestamptz,
    ADD COLUMN left_source text;        -- null where left_at is
