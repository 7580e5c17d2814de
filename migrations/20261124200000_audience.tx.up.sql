-- All text in a contact's attributes, however deep: what searches look at
-- beside name and number. Not in SQL and dear on purpose: the planner must see
-- that a look at the index is cheaper than a million calls.
CREATE FUNCTION attribute_text(a jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 400 AS $$
BEGIN
    RETURN jsonb_path_query_array(a, 'strict $.** ? (@.type() == "string" || @.type() == "number")')::text;
END $$;
CREATE INDEX contacts_attribute_text_idx ON contacts USING gin (attribute_text(attributes) gin_trgm_ops);
-- Searches of one or two letters are for the beginning of a name.
DROP INDEX contacts_name_idx;
CREATE INDEX contacts_name_idx ON contacts (lower(name) COLLATE "C", id);

-- Times in attributes are compared in the query itself, see segment/compile.go.
DROP FUNCTION attribute_time;

-- A contact that was merged keeps its row and number, so that what comes from
-- that number reaches the contact it was merged into.
ALTER TABLE contacts ADD COLUMN merged_into bigint REFERENCES contacts;
CREATE INDEX contacts_erased_idx ON contacts (erased_at) WHERE erased_at IS NOT NULL;
CREATE INDEX contacts_merged_idx ON contacts (merged_into) WHERE merged_into IS NOT NULL;

-- One change to many contacts, worked as a job.
CREATE TABLE bulk_actions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('tag', 'consent', 'suppress', 'export', 'erase')),
    selection   jsonb       NOT NULL, -- bulk.Selection
    options     jsonb       NOT NULL, -- bulk.Options
    status      text        NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'canceled', 'failed')),
    failure     text        NOT NULL DEFAULT '',
    newest      bigint      NOT NULL, -- contacts added later are left alone
    reached     bigint      NOT NULL DEFAULT 0, -- id of the last contact worked
    total       bigint      NOT NULL,
    done        bigint      NOT NULL DEFAULT 0,
    changed     bigint      NOT NULL DEFAULT 0,
    operator_id bigint      REFERENCES operators,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz
);

-- A search with its filters under a name.
CREATE TABLE contact_views (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL,
    search      text        NOT NULL DEFAULT '',
    filter      jsonb       NOT NULL DEFAULT '{}', -- contact.Filter
    sort        text        NOT NULL DEFAULT 'newest',
    operator_id bigint      REFERENCES operators, -- who saved it; null: an API client
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX contact_views_name_idx ON contact_views (lower(name));
