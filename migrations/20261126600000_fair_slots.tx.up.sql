-- Slots often come one at a time. Dealing them out from a random place of the list of
-- campaigns gave whoever stood behind one that its own rate held back that one's turns
-- as well: twice as many. Now only those that can take a slot are drawn from.
CREATE OR REPLACE FUNCTION rate_take(shared text[], campaigns bigint[], want int, ahead double precision)
RETURNS TABLE (campaign_id bigint, granted int, start_seconds double precision, step_seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    moment    timestamptz;
    left_over int;
    total     int := 0;
    own_eff   double precision[];
    own_rate  double precision[];
    caps      int[];
    grants    int[] := array_fill(0, ARRAY[cardinality(campaigns)]);
    portion   int;
    g         int;
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
        FOR i IN SELECT x.o FROM unnest(caps, grants) WITH ORDINALITY x (cap, had, o) WHERE x.cap > x.had ORDER BY random() LOOP
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
