-- The fence: the number of the claim that owns a message. Every claim raises it,
-- and a worker's write counts only while its own number stands there.
ALTER TABLE messages
    ADD COLUMN fence          int         NOT NULL DEFAULT 0,
    ADD COLUMN decision_since timestamptz, -- unknown, and only a person can decide: since when
    ADD COLUMN redeliveries   int         NOT NULL DEFAULT 0; -- attempts after one that was accepted and failed

-- A message in the engine's hands always has a moment at which somebody looks
-- again: without it nobody ever would.
UPDATE messages SET lease_until = clock_timestamp() WHERE work = 'watch' AND lease_until IS NULL;
ALTER TABLE messages ADD CONSTRAINT messages_lease_check CHECK (status NOT IN ('submitting', 'unknown') OR lease_until IS NOT NULL) NOT VALID;

-- Attempts whose SID the message has no more, because a later attempt took its
-- place. Receipts for them still find their message.
CREATE TABLE message_attempts (
    sid           text        PRIMARY KEY,
    message_id    bigint      NOT NULL,
    attempt       int         NOT NULL, -- the fence of its claim
    status        text        NOT NULL,
    error_code    int         NOT NULL DEFAULT 0,
    submitted_at  timestamptz,
    accepted_at   timestamptz,
    ended_at      timestamptz,
    superseded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX message_attempts_message_idx ON message_attempts (message_id, attempt);

-- The previous version claims without a fence. Its workers are stopped here and
-- not by asking them: these columns are set together only where a message is
-- claimed, finished or given back. What else it does (receipts, inbound messages,
-- pages) goes on.
CREATE FUNCTION messages_writer_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('eventstream.fenced', true), '') = '' THEN
        RAISE EXCEPTION 'this version claims messages without a fence: stop its workers and start the new version'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_writer_check BEFORE UPDATE OF attempts, not_before, skip_reason ON messages
    FOR EACH STATEMENT EXECUTE FUNCTION messages_writer_check();

-- A scheduled start that failed for a passing reason is tried again, and says why.
ALTER TABLE campaigns
    ADD COLUMN start_failures int  NOT NULL DEFAULT 0,
    ADD COLUMN start_error    text NOT NULL DEFAULT '',
    ADD COLUMN start_retry_at timestamptz;

-- at:undecided and at:redelivering wait without holding the campaign back.
CREATE OR REPLACE FUNCTION message_measures(m messages) RETURNS TABLE (measure text, reason text) LANGUAGE sql IMMUTABLE AS $$
    SELECT m.status, CASE WHEN m.status = 'skipped' THEN m.skip_reason
                          WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text
                          ELSE '' END
    UNION ALL SELECT 'at:undecided', '' WHERE m.status = 'unknown' AND m.decision_since IS NOT NULL
    UNION ALL SELECT 'at:redelivering', '' WHERE m.redeliveries > 0
        AND (m.status IN ('pending', 'submitting') OR m.status = 'unknown' AND m.decision_since IS NULL)
    UNION ALL SELECT 'at:deferred',  m.deferred_reason WHERE m.deferred_reason <> ''
    UNION ALL SELECT 'at:accepted',  '' WHERE m.accepted_at  IS NOT NULL
    UNION ALL SELECT 'at:refused',   '' WHERE m.status = 'failed' AND m.accepted_at IS NULL
    UNION ALL SELECT 'at:sent',      '' WHERE m.sent_at      IS NOT NULL
    UNION ALL SELECT 'at:delivered', '' WHERE m.delivered_at IS NOT NULL
    UNION ALL SELECT 'at:read',      '' WHERE m.read_at      IS NOT NULL
    UNION ALL SELECT 'at:replied',   '' WHERE m.replied_at   IS NOT NULL
    UNION ALL SELECT 'at:opted_out', '' WHERE m.opted_out_at IS NOT NULL
$$;

-- The previous version matches entries of Twilio's log by address and minute. It
-- finds this lease taken for ever and leaves the unknown messages to this version.
INSERT INTO leases (name, owner, expires_at) VALUES ('reconcile', 'this version reconciles under another lease', 'infinity')
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at;
