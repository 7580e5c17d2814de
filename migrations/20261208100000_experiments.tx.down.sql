-- What waits for a winner goes with the wording that it was drawn for.
UPDATE messages SET not_before = 'epoch', not_before_reason = '' WHERE work = 'send' AND not_before_reason = 'winner';
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
$$;

CREATE OR REPLACE FUNCTION message_marks(m messages) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT (m.accepted_at IS NOT NULL)::int + 2 * (m.sent_at IS NOT NULL)::int + 4 * (m.delivered_at IS NOT NULL)::int
        + 8 * (m.read_at IS NOT NULL)::int + 16 * (m.replied_at IS NOT NULL)::int + 32 * (m.opted_out_at IS NOT NULL)::int
        + 64 * (m.redeliveries > 0)::int + 128 * (m.decision_since IS NOT NULL)::int + 256 * (m.clicked_at IS NOT NULL)::int
$$;

CREATE OR REPLACE FUNCTION message_counts_add(deltas message_counts[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message_counts AS c (campaign_id, measure, reason, n)
    SELECT campaign_id, measure, reason, n FROM unnest(deltas) ORDER BY campaign_id, measure, reason
    ON CONFLICT (campaign_id, measure, reason) DO UPDATE SET n = c.n + excluded.n;

    INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
    SELECT campaign_id, date_bin('10 seconds', clock_timestamp(), 'epoch'), measure, sum(n) FROM unnest(deltas)
    WHERE n > 0 AND campaign_id >= 0 AND (measure LIKE 'at:%' OR measure IN ('failed', 'undelivered', 'received', 'skipped'))
        AND measure <> 'at:clicked'
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
                           m.deferred_reason AS deferred, message_marks(m) AS marks, count(*) AS n
                    FROM new_rows m GROUP BY 1, 2, 3, 4, 5) g,
                   message_measures_of(g.status, g.reason, g.deferred, g.marks) k
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
                           m.deferred_reason AS deferred, message_marks(m) AS marks, count(*) AS n
                    FROM new_rows m GROUP BY 1, 2, 3, 4, 5
                    UNION ALL
                    SELECT CASE WHEN m.purpose = 'history' THEN -1 ELSE coalesce(m.campaign_id, 0) END, m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END,
                           m.deferred_reason, message_marks(m), -count(*)
                    FROM old_rows m GROUP BY 1, 2, 3, 4, 5) g,
                   message_measures_of(g.status, g.reason, g.deferred, g.marks) k
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

DROP FUNCTION message_measures_of(text, text, text, int, smallint);
DELETE FROM message_counts WHERE measure IN ('at:variant', 'at:winner');
ALTER TABLE messages DROP COLUMN variant;
DELETE FROM campaign_languages WHERE variant > 0;
ALTER TABLE campaign_languages DROP COLUMN variant, ADD PRIMARY KEY (campaign_id, language);
DROP TRIGGER campaigns_draws_check ON campaigns;
DROP FUNCTION campaigns_draws_check;
ALTER TABLE campaigns
    DROP COLUMN holdout_percent, DROP COLUMN draw, DROP COLUMN variant_test, DROP COLUMN goals, DROP COLUMN treated, DROP COLUMN held_out, DROP COLUMN standing_holdout,
    DROP COLUMN tested_at, DROP COLUMN winner, DROP COLUMN winner_at, DROP COLUMN winner_by, DROP COLUMN released_at;
DROP TABLE campaign_variants;
