ALTER TABLE erasures DROP COLUMN action_id;
DROP TABLE provider_periods;
DROP TABLE redaction_counts;
DROP TABLE redactions;
