-- Whether a text can be read as a time is asked with pg_input_is_valid, which
-- came with Postgres 16. Version 15 gets it here, for times only. A database that
-- is upgraded later finds the original first, because pg_catalog is searched
-- before every other schema.
DO $do$
BEGIN
    IF to_regprocedure('pg_catalog.pg_input_is_valid(text, text)') IS NULL THEN
        -- A block with an exception handler cannot run in a parallel plan, and it
        -- costs a subtransaction: the planner should ask everything else first.
        CREATE FUNCTION pg_input_is_valid(input text, type text) RETURNS boolean
            LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE COST 1000 AS $function$
        BEGIN
            IF type <> 'timestamptz' THEN
                RAISE feature_not_supported USING MESSAGE = 'pg_input_is_valid is here for timestamptz only';
            END IF;
            PERFORM input::timestamptz;
            RETURN true;
        EXCEPTION WHEN data_exception THEN
            RETURN false;
        END $function$;
    END IF;
END $do$;
