-- What a workspace changed of the words that mean stop, start and help, and of the answers to
-- them. Each change is a version, and none is ever changed: the evidence of an opt-out names the
-- version by which a message was read.
CREATE TABLE keyword_versions (
    version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changes jsonb NOT NULL,
    operator_id bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER keyword_versions_update BEFORE UPDATE OR DELETE ON keyword_versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keyword_versions_truncate BEFORE TRUNCATE ON keyword_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
