-- Signing in at an OpenID Connect provider: by whom the provider knows an operator,
-- and until when a password counts where passwords are off.
ALTER TABLE operators
    ADD COLUMN oidc_issuer text NOT NULL DEFAULT '',
    ADD COLUMN oidc_subject text NOT NULL DEFAULT '', -- empty: not linked
    ADD COLUMN password_until timestamptz; -- the emergency exit of the command line
CREATE UNIQUE INDEX operators_oidc_key ON operators (oidc_issuer, oidc_subject) WHERE oidc_subject <> '';

-- The provider asked for the second factor, so that we do not.
ALTER TABLE sessions ADD COLUMN provider boolean NOT NULL DEFAULT false;

-- Who is linked can sign in without a password.
CREATE OR REPLACE FUNCTION operators_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7239101);
    IF NOT EXISTS (SELECT 1 FROM operators WHERE active AND role = 'admin' AND kind = 'person'
                   AND (password_hash <> '' OR oidc_subject <> '')) THEN
        RAISE EXCEPTION 'the last active admin stays'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'operators_keep_an_admin';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER operators_keep_an_admin_update
    AFTER UPDATE OF active, role, kind, password_hash, oidc_subject ON operators
    FOR EACH ROW WHEN (OLD.active AND OLD.role = 'admin'
        AND (NOT NEW.active OR NEW.role <> 'admin' OR NEW.kind <> 'person'
            OR NEW.password_hash = '' AND NEW.oidc_subject = ''))
    EXECUTE FUNCTION operators_keep_an_admin();
