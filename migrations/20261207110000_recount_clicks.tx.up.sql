-- A recount of the messages finds clicks as well: see message_marks, of which the counters are kept.
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
