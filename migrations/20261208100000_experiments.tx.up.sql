-- Variants, holdouts and goals of campaigns: see docs/experiments.md.
CREATE TABLE campaign_variants (
    campaign_id         bigint   NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    position            smallint NOT NULL CHECK (position BETWEEN 0 AND 4), -- 0 is shown as A
    template_id         bigint   NOT NULL REFERENCES templates,
    sender_id           bigint   REFERENCES senders, -- null: the campaign's, by weight
    weight              int      NOT NULL CHECK (weight BETWEEN 1 AND 100), -- against the other variants'
    template_version_id bigint   REFERENCES template_versions, -- frozen at launch
    PRIMARY KEY (campaign_id, position),
    UNIQUE NULLS NOT DISTINCT (campaign_id, template_id, sender_id)
);
CREATE INDEX campaign_variants_template_idx ON campaign_variants (template_id);

ALTER TABLE campaigns
    ADD COLUMN holdout_percent double precision NOT NULL DEFAULT 0 CHECK (holdout_percent BETWEEN 0 AND 50),
    -- From it and a contact's id follows who is held out, who takes part in the test, and with which variant.
    ADD COLUMN draw         bytea NOT NULL DEFAULT sha256(gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea),
    ADD COLUMN variant_test jsonb,
    ADD COLUMN goals        jsonb,
    ADD COLUMN treated      bigint NOT NULL DEFAULT 0, -- members of the audience who were to get a message
    ADD COLUMN held_out     bigint NOT NULL DEFAULT 0, -- and those who were to get one and are held out
    ADD COLUMN standing_holdout jsonb, -- the setting as it was at its launch
    ADD COLUMN tested_at    timestamptz, -- the last message of the test was handed over, or ended
    ADD COLUMN winner       smallint,    -- the variant that all others get
    ADD COLUMN winner_at    timestamptz,
    ADD COLUMN winner_by    text NOT NULL DEFAULT '' CHECK (winner_by IN ('', 'operator', 'engine')),
    ADD COLUMN released_at  timestamptz; -- the last of those who waited for the winner could go

ALTER TABLE campaign_languages ADD COLUMN variant smallint NOT NULL DEFAULT 0;
ALTER TABLE campaign_languages DROP CONSTRAINT campaign_languages_pkey, ADD PRIMARY KEY (campaign_id, variant, language);

-- Of a campaign's test: which variant. Null: it takes no part in one.
ALTER TABLE messages ADD COLUMN variant smallint;

-- A worker of the previous version knows nothing of them, and would send to everybody: what it does is undone, and its job tried again by another.
CREATE FUNCTION campaigns_draws_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('eventstream.draws', true) IS DISTINCT FROM '1' THEN
        RAISE EXCEPTION 'campaign % has variants or a holdout, which this version does not know: stop it', NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaigns_draws_check BEFORE UPDATE OF audience_cursor ON campaigns FOR EACH ROW
    WHEN (NEW.variant_test IS NOT NULL OR NEW.holdout_percent > 0 OR NEW.standing_holdout IS NOT NULL)
    EXECUTE FUNCTION campaigns_draws_check();

-- One more mark: it waits for the winner of its campaign's test.
CREATE OR REPLACE FUNCTION message_marks(m messages) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT (m.accepted_at IS NOT NULL)::int + 2 * (m.sent_at IS NOT NULL)::int + 4 * (m.delivered_at IS NOT NULL)::int
        + 8 * (m.read_at IS NOT NULL)::int + 16 * (m.replied_at IS NOT NULL)::int + 32 * (m.opted_out_at IS NOT NULL)::int
        + 64 * (m.redeliveries > 0)::int + 128 * (m.decision_since IS NOT NULL)::int + 256 * (m.clicked_at IS NOT NULL)::int
        + 512 * (m.not_before_reason = 'winner')::int
$$;

-- Numbers of variants are kept as all others are: under the measure at:variant, with a reason such as 0:read.
-- The function of the same name without variant stays for one release: the previous version's triggers may be planned with it.
CREATE FUNCTION message_measures_of(status text, reason text, deferred text, marks int, variant smallint)
RETURNS TABLE (measure text, reason text) LANGUAGE sql IMMUTABLE AS $$
    SELECT $1, $2
    UNION ALL SELECT 'at:undecided', '' WHERE $4 & 128 > 0 AND $1 = 'unknown'
    UNION ALL SELECT 'at:redelivering', '' WHERE $4 & 64 > 0 AND ($1 IN ('pending', 'submitting') OR $1 = 'unknown' AND $4 & 128 = 0)
    UNION ALL SELECT 'at:deferred',  $3 WHERE $3 <> ''
    UNION ALL SELECT 'at:accepted',  '' WHERE $4 & 1 > 0
    UNION ALL SELECT 'at:refused',   '' WHERE $4 & 1 = 0 AND $1 = 'failed'
    UNION ALL SELECT 'at:sent',      '' WHERE $4 & 2 > 0
    UNION ALL SELECT 'at:delivered', '' WHERE $4 & 4 > 0
    UNION ALL SELECT 'at:read',      '' WHERE $4 & 8 > 0
    UNION ALL SELECT 'at:clicked',   '' WHERE $4 & 256 > 0
    UNION ALL SELECT 'at:replied',   '' WHERE $4 & 16 > 0
    UNION ALL SELECT 'at:opted_out', '' WHERE $4 & 32 > 0
    UNION ALL SELECT 'at:winner',    '' WHERE $4 & 512 > 0 AND $1 = 'pending'
    UNION ALL SELECT 'at:variant', $5 || ':' || v.name
        FROM (VALUES ('recipients', true), ('waiting', $1 IN ('pending', 'submitting') AND $4 & 65 = 0),
            ('tried', $4 & 1 > 0 OR $1 = 'failed'), ('accepted', $4 & 1 > 0), ('sent', $4 & 2 > 0), ('delivered', $4 & 4 > 0), ('read', $4 & 8 > 0),
            ('clicked', $4 & 256 > 0), ('replied', $4 & 16 > 0), ('opted_out', $4 & 32 > 0),
            ('failed', $1 IN ('failed', 'undelivered'))) v (name, counts)
        WHERE $5 IS NOT NULL AND v.counts
$$;

-- The same of one message, for recounts.
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
    UNION ALL SELECT 'at:clicked',   '' WHERE m.clicked_at   IS NOT NULL
    UNION ALL SELECT 'at:replied',   '' WHERE m.replied_at   IS NOT NULL
    UNION ALL SELECT 'at:opted_out', '' WHERE m.opted_out_at IS NOT NULL
    UNION ALL SELECT 'at:winner',    '' WHERE m.not_before_reason = 'winner' AND m.status = 'pending'
    UNION ALL SELECT 'at:variant', m.variant || ':' || v.name
        FROM (VALUES ('recipients', true), ('waiting', m.status IN ('pending', 'submitting') AND m.accepted_at IS NULL AND m.redeliveries = 0),
            ('tried', m.accepted_at IS NOT NULL OR m.status = 'failed'), ('accepted', m.accepted_at IS NOT NULL), ('sent', m.sent_at IS NOT NULL),
            ('delivered', m.delivered_at IS NOT NULL), ('read', m.read_at IS NOT NULL), ('clicked', m.clicked_at IS NOT NULL),
            ('replied', m.replied_at IS NOT NULL), ('opted_out', m.opted_out_at IS NOT NULL), ('failed', m.status IN ('failed', 'undelivered'))
        ) v (name, counts) WHERE m.variant IS NOT NULL AND v.counts
$$;

CREATE OR REPLACE FUNCTION message_counts_add(deltas message_counts[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message_counts AS c (campaign_id, measure, reason, n)
    SELECT campaign_id, measure, reason, n FROM unnest(deltas) ORDER BY campaign_id, measure, reason
    ON CONFLICT (campaign_id, measure, reason) DO UPDATE SET n = c.n + excluded.n;

    INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
    SELECT campaign_id, date_bin('10 seconds', clock_timestamp(), 'epoch'), measure, sum(n) FROM unnest(deltas)
    WHERE n > 0 AND campaign_id >= 0 AND (measure LIKE 'at:%' OR measure IN ('failed', 'undelivered', 'received', 'skipped'))
        AND measure NOT IN ('at:clicked', 'at:variant', 'at:winner')
    GROUP BY campaign_id, measure ORDER BY campaign_id, measure
    ON CONFLICT (campaign_id, bucket, measure) DO UPDATE SET n = s.n + excluded.n;
$$;

CREATE OR REPLACE FUNCTION messages_count_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT g.campaign_id, k.measure, k.reason, sum(g.n)::bigint AS n
              FROM (SELECT CASE WHEN m.purpose = 'history' THEN -1 ELSE coalesce(m.campaign_id, 0) END AS campaign_id, m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END AS reason,
                           m.deferred_reason AS deferred, message_marks(m) AS marks, m.variant, count(*) AS n
                    FROM new_rows m GROUP BY 1, 2, 3, 4, 5, 6) g,
                   message_measures_of(g.status, g.reason, g.deferred, g.marks, g.variant) k
              GROUP BY 1, 2, 3) d));
    IF EXISTS (SELECT 1 FROM new_rows WHERE clicked_at IS NOT NULL) THEN
        INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
        SELECT coalesce(campaign_id, 0), date_bin('10 seconds', clicked_at, 'epoch'), 'at:clicked', count(*) FROM new_rows
        WHERE clicked_at IS NOT NULL AND purpose <> 'history' GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (campaign_id, bucket, measure) DO UPDATE SET n = s.n + excluded.n;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION messages_count_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT g.campaign_id, k.measure, k.reason, sum(g.n)::bigint AS n
              FROM (SELECT CASE WHEN m.purpose = 'history' THEN -1 ELSE coalesce(m.campaign_id, 0) END AS campaign_id, m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END AS reason,
                           m.deferred_reason AS deferred, message_marks(m) AS marks, m.variant, count(*) AS n
                    FROM new_rows m GROUP BY 1, 2, 3, 4, 5, 6
                    UNION ALL
                    SELECT CASE WHEN m.purpose = 'history' THEN -1 ELSE coalesce(m.campaign_id, 0) END, m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END,
                           m.deferred_reason, message_marks(m), m.variant, -count(*)
                    FROM old_rows m GROUP BY 1, 2, 3, 4, 5, 6) g,
                   message_measures_of(g.status, g.reason, g.deferred, g.marks, g.variant) k
              GROUP BY 1, 2, 3 HAVING sum(g.n) <> 0) d));
    IF EXISTS (SELECT 1 FROM new_rows WHERE clicked_at IS NOT NULL) THEN
        INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
        SELECT campaign_id, bucket, 'at:clicked', sum(n)
        FROM (SELECT coalesce(campaign_id, 0) AS campaign_id, date_bin('10 seconds', clicked_at, 'epoch') AS bucket, 1 AS n
              FROM new_rows WHERE clicked_at IS NOT NULL AND purpose <> 'history'
              UNION ALL
              SELECT coalesce(campaign_id, 0), date_bin('10 seconds', clicked_at, 'epoch'), -1
              FROM old_rows WHERE clicked_at IS NOT NULL AND purpose <> 'history') moved
        GROUP BY 1, 2 HAVING sum(n) > 0 OR sum(n) < 0 AND EXISTS (SELECT 1 FROM message_series k
            WHERE k.campaign_id = moved.campaign_id AND k.bucket = moved.bucket AND k.measure = 'at:clicked')
        ORDER BY 1, 2
        ON CONFLICT (campaign_id, bucket, measure) DO UPDATE SET n = greatest(s.n + excluded.n, 0);
    END IF;
    RETURN NULL;
END $$;
