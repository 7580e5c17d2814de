CREATE OR REPLACE FUNCTION message_marks(m messages) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT (m.accepted_at IS NOT NULL)::int + 2 * (m.sent_at IS NOT NULL)::int + 4 * (m.delivered_at IS NOT NULL)::int
        + 8 * (m.read_at IS NOT NULL)::int + 16 * (m.replied_at IS NOT NULL)::int + 32 * (m.opted_out_at IS NOT NULL)::int
        + 64 * (m.redeliveries > 0)::int + 128 * (m.decision_since IS NOT NULL)::int
$$;

CREATE OR REPLACE FUNCTION message_measures_of(status text, reason text, deferred text, marks int)
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

ALTER TABLE messages DROP COLUMN clicked_at;
DELETE FROM message_counts WHERE measure = 'at:clicked';
DELETE FROM message_series WHERE measure = 'at:clicked';
ALTER TABLE campaigns DROP COLUMN utm, DROP COLUMN track_links;
DROP TABLE clicks;
DROP TABLE link_counts;
DROP TABLE link_keys;
DROP TABLE links;
