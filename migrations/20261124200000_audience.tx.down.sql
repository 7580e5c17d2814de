DROP TABLE contact_views, bulk_actions;
ALTER TABLE contacts DROP COLUMN merged_into;
CREATE FUNCTION attribute_time(v jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF jsonb_typeof(v) <> 'string' OR (v #>> '{}') !~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$' THEN
        RETURN NULL;
    END IF;
    RETURN (v #>> '{}')::timestamptz;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$;
DROP INDEX contacts_name_idx, contacts_attribute_text_idx, contacts_erased_idx;
CREATE INDEX contacts_name_idx ON contacts (lower(name), id);
DROP FUNCTION attribute_text;
