-- Messages are made from rows that exist and are never deleted (contacts are
-- erased, senders and template versions kept), and a check of four foreign keys
-- cost more than writing the row: 13 of 24 µs, measured.
ALTER TABLE messages
    DROP CONSTRAINT messages_campaign_id_fkey,
    DROP CONSTRAINT messages_contact_id_fkey,
    DROP CONSTRAINT messages_conversation_id_fkey,
    DROP CONSTRAINT messages_sender_id_fkey,
    DROP CONSTRAINT messages_template_version_id_fkey,
    DROP CONSTRAINT messages_sid_key;
DROP INDEX messages_pending_idx, messages_leased_idx, messages_campaign_idx;

-- What the engine has to do about a message. The indexes hang on it and not on
-- status, so that receipts, which change only the status, touch no index.
ALTER TABLE messages ADD COLUMN work text GENERATED ALWAYS AS (
    CASE WHEN status = 'pending' THEN 'send' WHEN status IN ('submitting', 'unknown') THEN 'watch' END) STORED;
CREATE UNIQUE INDEX messages_sid_idx ON messages (sid) WHERE sid IS NOT NULL;
CREATE INDEX messages_send_idx ON messages (sender_id, campaign_id, not_before, id) WHERE work = 'send';
CREATE INDEX messages_watch_idx ON messages (lease_until) WHERE work = 'watch';
-- Lists of a campaign's messages go by contact, on the unique key.

-- When we last wrote to a contact is told by messages_contact_idx: keeping it
-- in the contact's own, much indexed row cost 27 µs a message.
ALTER TABLE contacts DROP COLUMN last_outbound_at;

-- Who sends a campaign, and which share. campaigns.sender_id is the first.
CREATE TABLE campaign_senders (
    campaign_id bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    sender_id   bigint NOT NULL REFERENCES senders,
    weight      int    NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100),
    position    int    NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, sender_id)
);
CREATE INDEX campaign_senders_sender_idx ON campaign_senders (sender_id);
INSERT INTO campaign_senders (campaign_id, sender_id) SELECT id, sender_id FROM campaigns WHERE sender_id IS NOT NULL;

ALTER TABLE campaigns
    ADD COLUMN schedule        jsonb,       -- campaign.Schedule
    ADD COLUMN next_run_at     timestamptz, -- of a scheduled one
    ADD COLUMN runs            int NOT NULL DEFAULT 0, -- of a recurring one, so far
    ADD COLUMN parent_id       bigint REFERENCES campaigns, -- the recurring campaign that this is a run of
    ADD COLUMN error_threshold double precision DEFAULT 0.2 CHECK (error_threshold > 0 AND error_threshold <= 1), -- null: never pause for errors
    ADD COLUMN errors_before   bigint NOT NULL DEFAULT 0, -- failed and tried when somebody last resumed:
    ADD COLUMN tried_before    bigint NOT NULL DEFAULT 0; -- only what came after counts
CREATE INDEX campaigns_due_idx ON campaigns (next_run_at) WHERE status = 'scheduled';
CREATE INDEX campaigns_parent_idx ON campaigns (parent_id) WHERE parent_id IS NOT NULL;

-- GCRA: tat is the time of a key's next free slot, in Postgres' own clock. Slots
-- are handed out with their times, up to `ahead` seconds before they are due, so
-- that senders never wait for the database; what was missed can be caught up by
-- no more than half of that. So no window ever holds more than its rate allows
-- and one slice, even as the receiver sees it.
DROP FUNCTION rate_reserve;
INSERT INTO rate_limits (key, rate_per_second) VALUES ('account', 2000); -- Twilio's limit for an account, error 63017

CREATE FUNCTION rate_effective(tat timestamptz, moment timestamptz, ahead double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN tat = '-infinity' THEN -ahead / 2 ELSE greatest(extract(epoch FROM tat - moment)::float8, -ahead / 2) END
$$;
CREATE FUNCTION rate_slots(effective double precision, rate double precision, ahead double precision) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN effective > ahead THEN 0 ELSE least(floor((ahead - effective) * rate + 1e-6) + 1, 1e9)::int END
$$;

-- Takes up to want slots of the shared keys (account and sender) and deals them
-- out evenly among the campaigns, as far as each one's own rate lets it; what
-- one cannot use the others get. Each row tells when the first of its slots is
-- due and how far apart they lie. With none free: one row without campaign and
-- with the seconds to wait.
CREATE FUNCTION rate_take(shared text[], campaigns bigint[], want int, ahead double precision)
RETURNS TABLE (campaign_id bigint, granted int, start_seconds double precision, step_seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    moment    timestamptz;
    n         int := cardinality(campaigns);
    left_over int;
    total     int := 0;
    own_eff   double precision[];
    own_rate  double precision[];
    caps      int[];
    grants    int[] := array_fill(0, ARRAY[cardinality(campaigns)]);
    portion   int;
    g         int;
    first     int := floor(random() * cardinality(campaigns));
    i         int;
    shared_start double precision;
    shared_span  double precision; -- of one slot
    shared_wait  double precision;
    own_wait     double precision;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true); -- a pace need not survive a power cut
    PERFORM 1 FROM rate_limits WHERE key = ANY (shared) OR key IN (SELECT 'campaign:' || c FROM unnest(campaigns) c) ORDER BY key FOR UPDATE;
    moment := clock_timestamp();
    SELECT min(rate_slots(x.eff, x.rate, ahead)), max(x.eff), max(1 / x.rate), max(x.eff) - ahead INTO left_over, shared_start, shared_span, shared_wait
    FROM (SELECT rate_effective(tat, moment, ahead) AS eff, rate_per_second AS rate FROM rate_limits WHERE key = ANY (shared)) x;
    left_over := least(left_over, want);
    SELECT array_agg(x.eff ORDER BY x.o), array_agg(x.rate ORDER BY x.o), array_agg(coalesce(rate_slots(x.eff, x.rate, ahead), want) ORDER BY x.o), min(coalesce(x.eff - ahead, 0))
    INTO own_eff, own_rate, caps, own_wait
    FROM (SELECT c.o, rate_effective(r.tat, moment, ahead) AS eff, r.rate_per_second AS rate
          FROM unnest(campaigns) WITH ORDINALITY c (id, o) LEFT JOIN rate_limits r ON r.key = 'campaign:' || c.id) x;
    LOOP
        SELECT count(*) INTO portion FROM unnest(caps, grants) x (cap, had) WHERE x.cap > x.had;
        EXIT WHEN portion = 0 OR left_over <= 0;
        g := greatest(left_over / portion, 1);
        FOR k IN 1..n LOOP
            i := 1 + (first + k) % n;
            portion := least(g, caps[i] - grants[i], left_over);
            grants[i] := grants[i] + portion;
            left_over := left_over - portion;
            total := total + portion;
        END LOOP;
    END LOOP;
    IF total = 0 THEN
        RETURN QUERY SELECT NULL::bigint, 0, greatest(shared_wait, own_wait, 0.001), 0::float8;
        RETURN;
    END IF;
    UPDATE rate_limits SET tat = moment + make_interval(secs => rate_effective(tat, moment, ahead) + total / rate_per_second) WHERE key = ANY (shared);
    UPDATE rate_limits r SET tat = moment + make_interval(secs => rate_effective(r.tat, moment, ahead) + x.had / r.rate_per_second)
    FROM unnest(campaigns, grants) x (id, had) WHERE r.key = 'campaign:' || x.id AND x.had > 0;
    RETURN QUERY SELECT x.id, x.had, greatest(shared_start, coalesce(x.eff, shared_start)), greatest(shared_span * total / x.had, coalesce(1 / x.rate, 0))
    FROM unnest(campaigns, grants, own_eff, own_rate) x (id, had, eff, rate) WHERE x.had > 0;
END $$;

-- at:refused: Twilio said no to the call itself. With at:accepted it tells how
-- many were tried.
CREATE OR REPLACE FUNCTION message_measures(m messages) RETURNS TABLE (measure text, reason text) LANGUAGE sql IMMUTABLE AS $$
    SELECT m.status, CASE WHEN m.status = 'skipped' THEN m.skip_reason
                          WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text
                          ELSE '' END
    UNION ALL SELECT 'at:accepted',  '' WHERE m.accepted_at  IS NOT NULL
    UNION ALL SELECT 'at:refused',   '' WHERE m.status = 'failed' AND m.accepted_at IS NULL
    UNION ALL SELECT 'at:sent',      '' WHERE m.sent_at      IS NOT NULL
    UNION ALL SELECT 'at:delivered', '' WHERE m.delivered_at IS NOT NULL
    UNION ALL SELECT 'at:read',      '' WHERE m.read_at      IS NOT NULL
    UNION ALL SELECT 'at:replied',   '' WHERE m.replied_at   IS NOT NULL
    UNION ALL SELECT 'at:opted_out', '' WHERE m.opted_out_at IS NOT NULL
$$;
