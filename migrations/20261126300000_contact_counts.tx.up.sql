-- How many contacts there are by consent and reach, so that no page counts them.
-- Changes are appended and never lock a row that others change too: a counter
-- that everybody updates would make every opt-out wait for every import. What is
-- there is their sum; maintenance folds them together. Erased contacts are none.
CREATE TABLE contact_counts (
    id             bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consent_status text    NOT NULL,
    reachable      boolean NOT NULL,
    n              bigint  NOT NULL -- to be added
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE FUNCTION contact_counts_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_counts (consent_status, reachable, n)
    SELECT consent_status, reachable, count(*) FROM new_rows WHERE erased_at IS NULL GROUP BY 1, 2;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_count_insert AFTER INSERT ON contacts REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contact_counts_insert();

-- For each row and only where something counted changed: a trigger for the
-- statement would copy every contact that is touched, with all attributes.
CREATE FUNCTION contact_counts_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.erased_at IS NULL THEN
        INSERT INTO contact_counts (consent_status, reachable, n) VALUES (OLD.consent_status, OLD.reachable, -1);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.erased_at IS NULL THEN
        INSERT INTO contact_counts (consent_status, reachable, n) VALUES (NEW.consent_status, NEW.reachable, 1);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_count_update AFTER UPDATE ON contacts FOR EACH ROW
    WHEN (OLD.consent_status IS DISTINCT FROM NEW.consent_status OR OLD.reachable IS DISTINCT FROM NEW.reachable
        OR (OLD.erased_at IS NULL) IS DISTINCT FROM (NEW.erased_at IS NULL))
    EXECUTE FUNCTION contact_counts_change();
CREATE TRIGGER contacts_count_delete AFTER DELETE ON contacts FOR EACH ROW EXECUTE FUNCTION contact_counts_change();

-- Making the triggers locked the table against writers, so that nothing is
-- counted twice or missed.
INSERT INTO contact_counts (consent_status, reachable, n)
    SELECT consent_status, reachable, count(*) FROM contacts WHERE erased_at IS NULL GROUP BY 1, 2;

-- What maintenance asks for each second, without reading what has ended.
CREATE INDEX imports_open_idx ON imports (id) WHERE status IN ('pending', 'running');
CREATE INDEX bulk_actions_open_idx ON bulk_actions (id) WHERE status IN ('pending', 'running') AND kind <> 'export';
