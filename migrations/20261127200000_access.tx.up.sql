-- A service account owns API tokens and never signs in.
ALTER TABLE operators ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service'));

-- What a token may be used for, beside its role; null: all that the role may do,
-- as of tokens of the previous version.
ALTER TABLE api_tokens ADD COLUMN scopes text[];
CREATE INDEX api_tokens_operator_idx ON api_tokens (operator_id);

-- There is always an active admin who can sign in, whoever changes operators and
-- however many do so at once: they queue up, and the later one sees what the
-- earlier did.
CREATE FUNCTION operators_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7239101);
    IF NOT EXISTS (SELECT 1 FROM operators
                   WHERE active AND role = 'admin' AND kind = 'person' AND password_hash <> '') THEN
        RAISE EXCEPTION 'the last active admin stays'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'operators_keep_an_admin';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER operators_keep_an_admin_update AFTER UPDATE OF active, role, kind, password_hash ON operators
    FOR EACH ROW WHEN (OLD.active AND OLD.role = 'admin'
        AND (NOT NEW.active OR NEW.role <> 'admin' OR NEW.kind <> 'person' OR NEW.password_hash = ''))
    EXECUTE FUNCTION operators_keep_an_admin();
CREATE TRIGGER operators_keep_an_admin_delete AFTER DELETE ON operators
    FOR EACH ROW WHEN (OLD.active AND OLD.role = 'admin')
    EXECUTE FUNCTION operators_keep_an_admin();

-- One-time links by which an operator sets a password: an invitation, or a reset.
CREATE TABLE password_links (
    token_hash  bytea       PRIMARY KEY, -- SHA-256 of what stands in the link
    operator_id bigint      NOT NULL REFERENCES operators ON DELETE CASCADE,
    purpose     text        NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    created_by  bigint      REFERENCES operators, -- null: the operator themselves, or the command line
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX password_links_operator_idx ON password_links (operator_id);

-- Sessions have an id to be named by, where they come from, when they were last
-- used, and when their operator last proved who they are.
ALTER TABLE sessions
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now();

-- What a machine starts belongs to it.
ALTER TABLE bulk_actions ADD COLUMN api_token_id bigint REFERENCES api_tokens;
ALTER TABLE imports ADD COLUMN api_token_id bigint REFERENCES api_tokens;
