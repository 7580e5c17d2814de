-- Texts by which people agreed. Each is a version: it never changes, and entries of the consent ledger point to it.
CREATE TABLE consent_texts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256      bytea       NOT NULL UNIQUE, -- of the language, a zero byte and the content
    locale      text        NOT NULL DEFAULT '', -- BCP 47
    content     text        NOT NULL,
    operator_id bigint      REFERENCES operators, -- who used it first; null: a program
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER consent_texts_update BEFORE UPDATE OR DELETE ON consent_texts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consent_texts_truncate BEFORE TRUNCATE ON consent_texts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
