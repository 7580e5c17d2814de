CREATE OR REPLACE FUNCTION messages_count_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM message_counts_add((
        SELECT array_agg(ROW (d.campaign_id, d.measure, d.reason, d.n)::message_counts)
        FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, k.measure, k.reason, count(*) AS n
              FROM new_rows m, message_measures(m) k GROUP BY 1, 2, 3) d));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION messages_count_update() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP FUNCTION message_measures_of(text, text, text, int);
DROP FUNCTION message_marks(messages);
