-- The counters cost more than the rows that they count: of each row, before and
-- after, every measure was worked out and hashed. Now rows that count alike are
-- put together first, and the measures of the few kinds that there are in a
-- statement are worked out.

-- What a message counts as, but for its texts, as bits.
CREATE FUNCTION message_marks(m messages) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT (m.accepted_at IS NOT NULL)::int + 2 * (m.sent_at IS NOT NULL)::int + 4 * (m.delivered_at IS NOT NULL)::int
        + 8 * (m.read_at IS NOT NULL)::int + 16 * (m.replied_at IS NOT NULL)::int + 32 * (m.opted_out_at IS NOT NULL)::int
        + 64 * (m.redeliveries > 0)::int + 128 * (m.decision_since IS NOT NULL)::int
$$;

CREATE FUNCTION message_measures_of(status text, reason text, deferred text, marks int)
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
    UNION ALL SELECT 'at:replied',   '' WHERE $4 & 16 > 0
    UNION ALL SELECT 'at:opted_out', '' WHERE $4 & 32 > 0
$$;

CREATE OR REPLACE FUNCTION messages_count_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT g.campaign_id, k.measure, k.reason, sum(g.n)::bigint AS n
              FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, m.status,
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
              FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END AS reason,
                           m.deferred_reason AS deferred, message_marks(m) AS marks, count(*) AS n
                    FROM new_rows m GROUP BY 1, 2, 3, 4, 5
                    UNION ALL
                    SELECT coalesce(m.campaign_id, 0), m.status,
                           CASE WHEN m.status = 'skipped' THEN m.skip_reason
                                WHEN m.status IN ('failed', 'undelivered') THEN m.error_code::text ELSE '' END,
                           m.deferred_reason, message_marks(m), -count(*)
                    FROM old_rows m GROUP BY 1, 2, 3, 4, 5) g,
                   message_measures_of(g.status, g.reason, g.deferred, g.marks) k
              GROUP BY 1, 2, 3 HAVING sum(g.n) <> 0) d));
    RETURN NULL;
END $$;
