-- The audit trail. Entries commit unsealed with the change they tell of; the
-- sealer then gives each its place and hash. After that nothing may change.
CREATE TABLE audit_entries (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor_kind text        NOT NULL CHECK (actor_kind IN ('operator', 'api_token', 'system', 'contact')),
    actor_id   bigint,
    action     text        NOT NULL,
    entity     text        NOT NULL,
    entity_id  bigint,
    changes    jsonb       NOT NULL DEFAULT '{}',
    request_id text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seq        bigint UNIQUE,
    prev_hash  bytea,
    hash       bytea
);
CREATE INDEX audit_entries_unsealed_idx ON audit_entries (id) WHERE seq IS NULL;
CREATE INDEX audit_entries_entity_idx ON audit_entries (entity, entity_id, id DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION audit_entries_only_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NOT NULL
       OR (to_jsonb(NEW) - '{seq,prev_hash,hash}'::text[]) IS DISTINCT FROM (to_jsonb(OLD) - '{seq,prev_hash,hash}'::text[]) THEN
        RAISE EXCEPTION 'audit_entries is append-only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_entries_update BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_only_seal();
CREATE TRIGGER audit_entries_delete BEFORE DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entries_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
