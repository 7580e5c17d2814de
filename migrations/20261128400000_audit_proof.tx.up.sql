-- Proof against whoever has the database: beside its hash every sealed entry has an
-- HMAC by a key that does not lie readable in the database, and signed checkpoints
-- leave it. From here on nothing is sealed without an HMAC: the previous version's
-- sealer is refused, and what it writes is sealed by the new one.
ALTER TABLE audit_entries
    ADD COLUMN mac    bytea,  -- HMAC-SHA256 over hash; null: sealed before there were keys
    ADD COLUMN key_id bigint, -- of audit_keys
    ADD COLUMN leaves bytea;  -- of an entry about many things: a salt and the hash of each, see audit.Leaves

CREATE TABLE audit_keys (
    id         bigint      PRIMARY KEY, -- the newest writes
    public_key text        NOT NULL UNIQUE, -- as golang.org/x/mod/sumdb/note writes it
    sealed     text        NOT NULL,        -- the secret halves, encrypted by package secret
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT audit_keys_sealed_sealed CHECK (sealed ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$')
);

-- The Merkle tree over the entries (RFC 6962), as far as a checkpoint needed it.
CREATE TABLE audit_tree (
    level smallint NOT NULL,
    n     bigint   NOT NULL,
    hash  bytea    NOT NULL,
    PRIMARY KEY (level, n)
);

CREATE TABLE audit_checkpoints (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size       bigint      NOT NULL, -- entries covered
    note       text        NOT NULL, -- as it was signed
    key_id     bigint      NOT NULL REFERENCES audit_keys,
    created_at timestamptz NOT NULL
);
CREATE INDEX audit_checkpoints_size_idx ON audit_checkpoints (size);

-- Where each checkpoint goes, and whether it arrived.
CREATE TABLE audit_deliveries (
    checkpoint_id bigint      NOT NULL REFERENCES audit_checkpoints,
    destination   text        NOT NULL, -- without credentials
    attempts      integer     NOT NULL DEFAULT 0,
    next_try      timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at  timestamptz,
    failed_at     timestamptz,
    error         text        NOT NULL DEFAULT '',
    PRIMARY KEY (checkpoint_id, destination)
);
CREATE INDEX audit_deliveries_due_idx ON audit_deliveries (next_try) WHERE delivered_at IS NULL;

-- Why the last attempt to make a checkpoint failed; empty when it did not.
CREATE TABLE audit_problems (
    name   text        PRIMARY KEY,
    error  text        NOT NULL,
    since  timestamptz NOT NULL DEFAULT clock_timestamp(),
    latest timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TRIGGER audit_checkpoints_update BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_truncate BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keys_delete BEFORE DELETE ON audit_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION audit_entries_only_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NOT NULL
       OR (to_jsonb(NEW) - '{seq,prev_hash,hash,mac,key_id}'::text[])
           IS DISTINCT FROM (to_jsonb(OLD) - '{seq,prev_hash,hash,mac,key_id}'::text[]) THEN
        RAISE EXCEPTION 'audit_entries is append-only' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.seq IS NOT NULL AND (NEW.mac IS NULL OR NEW.key_id IS NULL) THEN
        RAISE EXCEPTION 'an audit entry is sealed with an HMAC' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Sealing, for a role that may not update the table.
CREATE FUNCTION audit_seal(ids bigint[], seqs bigint[], prevs bytea[], hashes bytea[], macs bytea[], key bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    UPDATE audit_entries e SET seq = u.seq, prev_hash = nullif(u.prev, ''::bytea), hash = u.hash, mac = u.mac, key_id = key
    FROM unnest(ids, seqs, prevs, hashes, macs) AS u (id, seq, prev, hash, mac) WHERE e.id = u.id AND e.seq IS NULL;
$$;
REVOKE ALL ON FUNCTION audit_seal(bigint[], bigint[], bytea[], bytea[], bytea[], bigint) FROM PUBLIC;
