-- A row for each address and reason: an address that opted out and complained has two, each ends by itself, and lifting one leaves
-- the other. The table suppressions has one row for an address, whatever the reasons, and is what the previous version reads and
-- writes: triggers keep the two in step until the next release drops it.
CREATE TABLE suppressed_addresses (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address_hash bytea       NOT NULL, -- see keys.Ring
    reason       text        NOT NULL CHECK (reason IN ('opted_out', 'blocked', 'invalid', 'complaint', 'erased', 'operator')),
    until        timestamptz, -- null: for ever
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (address_hash, reason)
);

-- Writes to the old table what the new one says of some addresses: of several reasons an erasure, else the one that lasts longest.
-- The rows are locked before they are compared, so that of two who suppress one address at once the second sees both reasons.
CREATE FUNCTION suppressions_follow(hashes bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO suppressions (address_hash, reason, until, created_at)
    SELECT DISTINCT ON (address_hash) address_hash, reason, until, created_at FROM suppressed_addresses
    WHERE address_hash = ANY (hashes) ORDER BY address_hash ON CONFLICT DO NOTHING;
    PERFORM 1 FROM suppressions WHERE address_hash = ANY (hashes) ORDER BY address_hash FOR UPDATE;
    UPDATE suppressions s SET reason = n.reason, until = n.until, created_at = n.created_at
    FROM (SELECT DISTINCT ON (address_hash) * FROM suppressed_addresses WHERE address_hash = ANY (hashes)
        ORDER BY address_hash, reason <> 'erased', until DESC NULLS FIRST, id) n
    WHERE s.address_hash = n.address_hash
        AND (s.reason, s.until, s.created_at) IS DISTINCT FROM (n.reason, n.until, n.created_at);
    DELETE FROM suppressions s WHERE s.address_hash = ANY (hashes)
        AND NOT EXISTS (SELECT 1 FROM suppressed_addresses n WHERE n.address_hash = s.address_hash);
END $$;

-- What this version writes.
CREATE FUNCTION suppressed_addresses_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM suppressions_follow(array_agg(DISTINCT address_hash)) FROM changed HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER suppressed_addresses_insert AFTER INSERT ON suppressed_addresses REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION suppressed_addresses_written();
CREATE TRIGGER suppressed_addresses_update AFTER UPDATE ON suppressed_addresses REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION suppressed_addresses_written();
CREATE TRIGGER suppressed_addresses_delete AFTER DELETE ON suppressed_addresses REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION suppressed_addresses_written();

-- What the previous version writes: a reason more, or one less. What else is known of the address stays.
CREATE FUNCTION suppressions_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM suppressed_addresses WHERE address_hash = OLD.address_hash AND reason = OLD.reason;
    ELSE
        INSERT INTO suppressed_addresses AS n (address_hash, reason, until, created_at)
        VALUES (NEW.address_hash, NEW.reason, NEW.until, NEW.created_at)
        ON CONFLICT (address_hash, reason) DO UPDATE SET until = excluded.until, created_at = excluded.created_at;
    END IF;
    PERFORM suppressions_follow(ARRAY[CASE WHEN TG_OP = 'DELETE' THEN OLD.address_hash ELSE NEW.address_hash END]);
    RETURN NULL;
END $$;
CREATE TRIGGER suppressions_previous AFTER INSERT OR UPDATE OR DELETE ON suppressions
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION suppressions_written();
