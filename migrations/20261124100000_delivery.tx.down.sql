DROP FUNCTION rate_take, rate_slots, rate_effective;
CREATE FUNCTION rate_reserve() RETURNS void LANGUAGE sql AS ''; -- the migration before drops it
DELETE FROM rate_limits WHERE key = 'account';
ALTER TABLE campaigns DROP COLUMN schedule, DROP COLUMN next_run_at, DROP COLUMN runs, DROP COLUMN parent_id, DROP COLUMN error_threshold, DROP COLUMN errors_before, DROP COLUMN tried_before;
DROP TABLE campaign_senders;
ALTER TABLE contacts ADD COLUMN last_outbound_at timestamptz;
DROP INDEX messages_watch_idx, messages_send_idx, messages_sid_idx;
ALTER TABLE messages DROP COLUMN work;
ALTER TABLE messages
    ADD CONSTRAINT messages_sid_key UNIQUE (sid),
    ADD CONSTRAINT messages_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES campaigns,
    ADD CONSTRAINT messages_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts,
    ADD CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations,
    ADD CONSTRAINT messages_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES senders,
    ADD CONSTRAINT messages_template_version_id_fkey FOREIGN KEY (template_version_id) REFERENCES template_versions;
CREATE INDEX messages_pending_idx ON messages (campaign_id, not_before, id) WHERE status = 'pending';
CREATE INDEX messages_leased_idx ON messages (lease_until) WHERE status IN ('submitting', 'unknown');
CREATE INDEX messages_campaign_idx ON messages (campaign_id, id);
