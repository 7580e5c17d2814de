CREATE OR REPLACE FUNCTION message_counts_add(deltas message_counts[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO message_counts AS c (campaign_id, measure, reason, n)
    SELECT campaign_id, measure, reason, n FROM unnest(deltas) ORDER BY campaign_id, measure, reason
    ON CONFLICT (campaign_id, measure, reason) DO UPDATE SET n = c.n + excluded.n;

    INSERT INTO message_series AS s (campaign_id, bucket, measure, n)
    SELECT campaign_id, date_bin('10 seconds', clock_timestamp(), 'epoch'), measure, sum(n) FROM unnest(deltas)
    WHERE n > 0 AND campaign_id >= 0 AND (measure LIKE 'at:%' OR measure IN ('failed', 'undelivered', 'received', 'skipped'))
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
    RETURN NULL;
END $$;
