CREATE OR REPLACE FUNCTION operators_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7239101);
    IF NOT EXISTS (SELECT 1 FROM operators
                   WHERE active AND role = 'admin' AND kind = 'person' AND password_hash <> '') THEN
        RAISE EXCEPTION 'the last active admin stays'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'operators_keep_an_admin';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER operators_keep_an_admin_update
    AFTER UPDATE OF active, role, kind, password_hash ON operators
    FOR EACH ROW WHEN (OLD.active AND OLD.role = 'admin'
        AND (NOT NEW.active OR NEW.role <> 'admin' OR NEW.kind <> 'person' OR NEW.password_hash = ''))
    EXECUTE FUNCTION operators_keep_an_admin();
ALTER TABLE sessions DROP COLUMN provider;
ALTER TABLE operators DROP COLUMN password_until, DROP COLUMN oidc_subject, DROP COLUMN oidc_issuer;
