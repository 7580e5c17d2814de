-- The keys by which addresses are hashed, encrypted by SECRET_KEY (see server/keys). The newest that is in force writes;
-- all of them are looked up with, for ever: without one, the people whose hashes it made could be written to again.
CREATE TABLE address_keys (
    id          int         PRIMARY KEY,
    sealed      text        NOT NULL,
    fingerprint text        NOT NULL, -- names the key and does not tell it
    active_from timestamptz NOT NULL, -- it writes from then on, when every process has read it
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT address_keys_sealed_sealed CHECK (sealed ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$')
);
CREATE TRIGGER address_keys_delete BEFORE DELETE ON address_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER address_keys_truncate BEFORE TRUNCATE ON address_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A seed lies encrypted or not at all.
ALTER TABLE operators ADD CONSTRAINT operators_totp_seed_sealed
    CHECK (totp_seed = '' OR totp_seed ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$');

-- Backups that were completed, by this program or as somebody says.
CREATE TABLE backups (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    taken_at    timestamptz NOT NULL, -- what was committed until then is in it
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    bytes       bigint, -- of the archive; null: made by another program
    rows        bigint
);
