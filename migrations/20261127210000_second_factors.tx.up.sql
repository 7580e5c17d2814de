-- The second factor of a sign-in: codes of an app, or passkeys, which need no
-- password at all.
ALTER TABLE operators
    ADD COLUMN totp_seed text NOT NULL DEFAULT '', -- encrypted, see server/secret; empty: none
    ADD COLUMN totp_step bigint NOT NULL DEFAULT 0, -- of the code used last: none works twice
    ADD COLUMN passkey_handle bytea UNIQUE; -- how passkeys name their owner

-- Codes for when the second factor is lost. Each works once.
CREATE TABLE recovery_codes (
    operator_id bigint      NOT NULL REFERENCES operators ON DELETE CASCADE,
    code_hash   bytea       NOT NULL, -- SHA-256
    used_at     timestamptz,
    PRIMARY KEY (operator_id, code_hash)
);

CREATE TABLE passkeys (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id   bigint      NOT NULL REFERENCES operators ON DELETE CASCADE,
    credential_id bytea       NOT NULL UNIQUE,
    credential    jsonb       NOT NULL, -- webauthn.Credential: the public key and its counter
    name          text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz
);
CREATE INDEX passkeys_operator_idx ON passkeys (operator_id);

-- The steps of a sign-in carry what the server needs to go on, encrypted. This
-- remembers those that were taken, so that none is taken twice.
CREATE TABLE spent_steps (
    hash       bytea       PRIMARY KEY, -- SHA-256
    expires_at timestamptz NOT NULL
);
