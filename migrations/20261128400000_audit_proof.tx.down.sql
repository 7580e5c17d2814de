CREATE OR REPLACE FUNCTION audit_entries_only_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NOT NULL
       OR (to_jsonb(NEW) - '{seq,prev_hash,hash}'::text[]) IS DISTINCT FROM (to_jsonb(OLD) - '{seq,prev_hash,hash}'::text[]) THEN
        RAISE EXCEPTION 'audit_entries is append-only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION audit_seal(bigint[], bigint[], bytea[], bytea[], bytea[], bigint);
DROP TABLE audit_problems;
DROP TABLE audit_deliveries;
DROP TABLE audit_checkpoints;
DROP TABLE audit_tree;
DROP TABLE audit_keys;
ALTER TABLE audit_entries DROP COLUMN leaves, DROP COLUMN key_id, DROP COLUMN mac;
