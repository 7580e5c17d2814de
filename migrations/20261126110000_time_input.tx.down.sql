DO $do$
BEGIN
    EXECUTE format('DROP FUNCTION IF EXISTS %I.pg_input_is_valid(text, text)', current_schema());
END $do$;
