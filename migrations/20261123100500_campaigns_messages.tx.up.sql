CREATE TABLE campaigns (
    id                    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                  text        NOT NULL,
    template_id           bigint      REFERENCES templates,
    template_version_id   bigint      REFERENCES template_versions, -- frozen at launch
    segment_id            bigint      REFERENCES segments,
    query                 jsonb, -- the campaign's own query, instead of a segment
    audience_query        jsonb, -- frozen at launch
    sender_id             bigint      REFERENCES senders,
    status                text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'scheduled', 'preparing', 'sending', 'paused', 'completed', 'canceled', 'failed')),
    paused_by             text        NOT NULL DEFAULT '' CHECK (paused_by IN ('', 'operator', 'engine')),
    paused_reason         text        NOT NULL DEFAULT '',
    failure               text        NOT NULL DEFAULT '',
    rate_limit_per_second double precision CHECK (rate_limit_per_second > 0),
    quiet_hours           jsonb, -- campaign.QuietHours; null: only what the law asks
    ends_at               timestamptz, -- after it what is still pending expires
    audience_cursor       bigint      NOT NULL DEFAULT 0, -- last contact taken by prepare
    prepared_at           timestamptz,
    started_at            timestamptz,
    finished_at           timestamptz,
    created_by            bigint      REFERENCES operators,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX campaigns_running_idx ON campaigns (id) WHERE status IN ('preparing', 'sending', 'paused');
CREATE INDEX campaigns_created_idx ON campaigns (created_at, id);

CREATE TABLE conversations (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id         bigint      NOT NULL UNIQUE REFERENCES contacts,
    session_expires_at timestamptz, -- 24 h after their last message
    unread             int         NOT NULL DEFAULT 0,
    status             text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    last_message_at    timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_recent_idx ON conversations (last_message_at DESC, id DESC);

CREATE TABLE messages (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    direction           text        NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    purpose             text        NOT NULL CHECK (purpose IN ('campaign', 'test', 'confirmation', 'reply', 'inbound')),
    campaign_id         bigint      REFERENCES campaigns,
    contact_id          bigint      NOT NULL REFERENCES contacts,
    conversation_id     bigint      REFERENCES conversations,
    sender_id           bigint      REFERENCES senders,
    template_version_id bigint      REFERENCES template_versions,
    body                text        NOT NULL DEFAULT '',
    media               jsonb       NOT NULL DEFAULT '[]',
    status              text        NOT NULL CHECK (status IN ('pending', 'submitting', 'accepted', 'queued', 'sending', 'sent', 'delivered', 'read',
                                    'undelivered', 'failed', 'canceled', 'skipped', 'expired', 'unknown', 'received')),
    skip_reason         text        NOT NULL DEFAULT '',
    sid                 text        UNIQUE,
    error_code          int         NOT NULL DEFAULT 0,
    error_message       text        NOT NULL DEFAULT '',
    attempts            int         NOT NULL DEFAULT 0,
    not_before          timestamptz NOT NULL DEFAULT 'epoch',
    not_before_reason   text        NOT NULL DEFAULT '',
    lease_until         timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    submitted_at        timestamptz,
    accepted_at         timestamptz,
    sent_at             timestamptz,
    delivered_at        timestamptz,
    read_at             timestamptz,
    ended_at            timestamptz, -- failed, undelivered, skipped, canceled, expired
    replied_at          timestamptz,
    opted_out_at        timestamptz,
    UNIQUE (campaign_id, contact_id)
) WITH (fillfactor = 70);
CREATE INDEX messages_pending_idx ON messages (campaign_id, not_before, id) WHERE status = 'pending';
CREATE INDEX messages_leased_idx ON messages (lease_until) WHERE status IN ('submitting', 'unknown');
CREATE INDEX messages_contact_idx ON messages (contact_id, id DESC);
CREATE INDEX messages_campaign_idx ON messages (campaign_id, id);
CREATE INDEX messages_inbound_idx ON messages (id) WHERE direction = 'inbound';

-- Every number a page shows is kept here by trigger, so that no page counts
-- the messages table. measure is a delivery status (how many stand there now)
-- or at:<milestone> (how many ever reached it); reason is a skip reason or an
-- error code. campaign_id 0 stands for messages outside campaigns.
CREATE TABLE message_counts (
    campaign_id bigint NOT NULL,
    measure     text   NOT NULL,
    reason      text   NOT NULL DEFAULT '',
    n           bigint NOT NULL,
    PRIMARY KEY (campaign_id, measure, reason)
) WITH (fillfactor = 50);

-- Milestones and ends per campaign and ten seconds (of the clock at which they
-- were recorded), for rates and charts.
CREATE TABLE message_series (
    campaign_id bigint      NOT NULL,
    bucket      timestamptz NOT NULL,
    measure     text        NOT NULL,
    n           bigint      NOT NULL,
    PRIMARY KEY (campaign_id, bucket, measure)
) WITH (fillfactor = 50);
CREATE INDEX message_series_bucket_idx ON message_series (bucket);

CREATE FUNCTION message_measures(m messages) RETURNS TABLE (measure text, reason text) LANGUAGE sql IMMUTABLE AS $$
    SELECT m.status, CASE WHEN m.status = 'skipped' THEN m.skip_reason
                          WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text
                          ELSE '' END
    UNION ALL SELECT 'at:accepted',  '' WHERE m.accepted_at  IS NOT NULL
    UNION ALL SELECT 'at:sent',      '' WHERE m.sent_at      IS NOT NULL
    UNION ALL SELECT 'at:delivered', '' WHERE m.delivered_at IS NOT NULL
    UNION ALL SELECT 'at:read',      '' WHERE m.read_at      IS NOT NULL
    UNION ALL SELECT 'at:replied',   '' WHERE m.replied_at   IS NOT NULL
    UNION ALL SELECT 'at:opted_out', '' WHERE m.opted_out_at IS NOT NULL
$$;

CREATE FUNCTION message_counts_add(deltas message_counts[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message_counts AS c (campaign_id, measure, reason, n)
    SELECT campaign_id, measure, reason, n FROM unnest(deltas) ORDER BY campaign_id, measure, reason
    ON CONFLICT (campaign_id, measure, reason) DO UPDATE SET n = c.n + excluded.n;

    INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
    SELECT campaign_id, date_bin('10 seconds', clock_timestamp(), 'epoch'), measure, sum(n) FROM unnest(deltas)
    WHERE n > 0 AND (measure LIKE 'at:%' OR measure IN ('failed', 'undelivered', 'received', 'skipped'))
    GROUP BY campaign_id, measure ORDER BY campaign_id, measure
    ON CONFLICT (campaign_id, bucket, measure) DO UPDATE SET n = s.n + excluded.n;
$$;

CREATE FUNCTION messages_count_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, k.measure, k.reason, count(*) AS n
              FROM new_rows m, message_measures(m) k GROUP BY 1, 2, 3) d));
    RETURN NULL;
END $$;

CREATE FUNCTION messages_count_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT campaign_id, measure, reason, sum(n) AS n
              FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, k.measure, k.reason, count(*) AS n
                    FROM new_rows m, message_measures(m) k GROUP BY 1, 2, 3
                    UNION ALL
                    SELECT coalesce(m.campaign_id, 0), k.measure, k.reason, -count(*)
                    FROM old_rows m, message_measures(m) k GROUP BY 1, 2, 3) x
              GROUP BY 1, 2, 3 HAVING sum(n) <> 0) d));
    RETURN NULL;
END $$;

CREATE TRIGGER messages_count_insert AFTER INSERT ON messages REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION messages_count_insert();
CREATE TRIGGER messages_count_update AFTER UPDATE ON messages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION messages_count_update();

CREATE TABLE delivery_events (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id       bigint      NOT NULL REFERENCES messages,
    sid              text        NOT NULL,
    status           text        NOT NULL,
    error_code       int         NOT NULL DEFAULT 0,
    webhook_event_id bigint,
    occurred_at      timestamptz NOT NULL,
    received_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (sid, status, error_code)
);
CREATE INDEX delivery_events_message_idx ON delivery_events (message_id, id);

-- GCRA: one row per paced thing ("sender:1", "campaign:7"). tat is the
-- theoretical arrival time of the next message, in Postgres' own clock.
CREATE TABLE rate_limits (
    key             text             PRIMARY KEY,
    rate_per_second double precision NOT NULL CHECK (rate_per_second > 0),
    tat             timestamptz      NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- Takes up to want slots from all the keys at once and returns how many, or 0
-- and how long to wait. No key ever runs ahead of its rate by more than
-- burst_seconds' worth, and always by at least one message.
CREATE FUNCTION rate_reserve(keys text[], want int, burst_seconds double precision)
RETURNS TABLE (granted int, wait_seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz;
    r record;
BEGIN
    PERFORM 1 FROM rate_limits WHERE key = ANY (keys) ORDER BY key FOR UPDATE;
    moment := clock_timestamp();
    granted := want;
    wait_seconds := 0;
    FOR r IN SELECT rate_per_second AS rate, greatest(extract(epoch FROM greatest(tat, moment) - moment), 0) AS ahead
             FROM rate_limits WHERE key = ANY (keys) LOOP
        granted := least(granted, floor((greatest(burst_seconds, 1 / r.rate) - r.ahead) * r.rate + 1e-6)::int);
        wait_seconds := greatest(wait_seconds, r.ahead + 1 / r.rate - greatest(burst_seconds, 1 / r.rate));
    END LOOP;
    IF granted <= 0 THEN
        granted := 0;
    ELSE
        UPDATE rate_limits SET tat = greatest(tat, moment) + make_interval(secs => granted / rate_per_second) WHERE key = ANY (keys);
        wait_seconds := 0;
    END IF;
    RETURN NEXT;
END $$;
