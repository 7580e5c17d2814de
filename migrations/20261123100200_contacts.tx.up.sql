CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE contacts (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address            text        NOT NULL UNIQUE, -- E.164 with +, or a BSUID such as BR.1000000000000001
    match_key          text        NOT NULL UNIQUE, -- see contact.MatchKey
    kind               text        NOT NULL CHECK (kind IN ('phone', 'bsuid')),
    region             text        NOT NULL DEFAULT '', -- ISO 3166-1 alpha-2
    time_zone          text        NOT NULL DEFAULT '', -- IANA name; '' = unknown
    time_zone_source   text        NOT NULL DEFAULT 'unknown' CHECK (time_zone_source IN ('declared', 'number', 'unknown')),
    name               text        NOT NULL DEFAULT '',
    locale             text        NOT NULL DEFAULT '', -- BCP 47
    attributes         jsonb       NOT NULL DEFAULT '{}',
    consent_status     text        NOT NULL DEFAULT 'unknown' CHECK (consent_status IN ('unknown', 'opted_in', 'opted_out')),
    consent_at         timestamptz,
    reachable          boolean     NOT NULL DEFAULT true,
    unreachable_reason text        NOT NULL DEFAULT '',
    marketing_eligible boolean     NOT NULL DEFAULT true,
    last_inbound_at    timestamptz,
    last_outbound_at   timestamptz,
    erased_at          timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX contacts_name_idx ON contacts (lower(name), id);
CREATE INDEX contacts_name_trgm_idx ON contacts USING gin (name gin_trgm_ops);
CREATE INDEX contacts_address_trgm_idx ON contacts USING gin (address gin_trgm_ops);
CREATE INDEX contacts_attributes_idx ON contacts USING gin (attributes jsonb_path_ops);
CREATE INDEX contacts_consent_idx ON contacts (consent_status);
CREATE INDEX contacts_created_idx ON contacts (created_at, id);

-- The consent ledger: the newest event of a contact is its consent status.
CREATE TABLE consent_events (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id   bigint      NOT NULL REFERENCES contacts,
    address_hash bytea       NOT NULL, -- keyed hash, so that the proof outlives an erased number
    status       text        NOT NULL CHECK (status IN ('opted_in', 'opted_out')),
    purpose      text        NOT NULL DEFAULT 'marketing',
    source       text        NOT NULL CHECK (source IN ('import', 'operator', 'api', 'keyword', 'form', 'provider')),
    evidence     jsonb       NOT NULL DEFAULT '{}',
    operator_id  bigint      REFERENCES operators,
    occurred_at  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consent_events_contact_idx ON consent_events (contact_id, id DESC);
CREATE TRIGGER consent_events_update BEFORE UPDATE OR DELETE ON consent_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consent_events_truncate BEFORE TRUNCATE ON consent_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE suppressions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address_hash bytea       NOT NULL UNIQUE,
    reason       text        NOT NULL CHECK (reason IN ('opted_out', 'blocked', 'invalid', 'complaint', 'erased', 'operator')),
    until        timestamptz, -- null: for ever
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE segments (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT '',
    query       jsonb       NOT NULL,
    last_count  bigint,
    counted_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX segments_name_idx ON segments (lower(name));

-- A JSON string as a point in time; null when it is none. Dates without a zone
-- are UTC.
CREATE FUNCTION attribute_time(v jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF jsonb_typeof(v) <> 'string' OR (v #>> '{}') !~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$' THEN
        RETURN NULL;
    END IF;
    RETURN (v #>> '{}')::timestamptz;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$;
