DELETE FROM bulk_actions WHERE kind = 'topic';
ALTER TABLE bulk_actions DROP CONSTRAINT bulk_actions_kind_check;
ALTER TABLE bulk_actions ADD CONSTRAINT bulk_actions_kind_check CHECK (kind IN ('tag', 'consent', 'suppress', 'export', 'erase'));
ALTER TABLE campaigns DROP COLUMN topic_id;
DROP TABLE contact_topics;
DROP TABLE topics;
