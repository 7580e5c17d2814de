CREATE TABLE imports (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_name    text        NOT NULL,
    size_bytes   bigint      NOT NULL DEFAULT 0,
    options      jsonb       NOT NULL, -- importer.Options
    status       text        NOT NULL CHECK (status IN ('uploading', 'pending', 'running', 'completed', 'canceled', 'failed')),
    failure      text        NOT NULL DEFAULT '',
    bytes_done   bigint      NOT NULL DEFAULT 0,
    rows_total   bigint, -- known at the end
    rows_done    bigint      NOT NULL DEFAULT 0,
    created      bigint      NOT NULL DEFAULT 0,
    updated      bigint      NOT NULL DEFAULT 0,
    unchanged    bigint      NOT NULL DEFAULT 0,
    duplicates   bigint      NOT NULL DEFAULT 0,
    rejected     bigint      NOT NULL DEFAULT 0,
    operator_id  bigint      REFERENCES operators,
    created_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz
);

-- The file itself, so that any worker can read it and a crash loses nothing.
-- Gone when the import has ended.
CREATE TABLE import_chunks (
    import_id bigint NOT NULL REFERENCES imports ON DELETE CASCADE,
    seq       int    NOT NULL,
    data      bytea  NOT NULL,
    PRIMARY KEY (import_id, seq)
);
ALTER TABLE import_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE import_rows_rejected (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id bigint NOT NULL REFERENCES imports ON DELETE CASCADE,
    row       bigint NOT NULL, -- 1 = the first row under the header
    line      bigint NOT NULL, -- line of the file on which the row starts
    field     text   NOT NULL,
    value     text   NOT NULL,
    reason    text   NOT NULL,
    record    jsonb  NOT NULL  -- the row as it stood, to be mended and imported again
);
CREATE INDEX import_rows_rejected_idx ON import_rows_rejected (import_id, row);

-- Which contacts an import touched: tells duplicates within the file apart,
-- also after a crash, and answers {"import": id} in segments.
CREATE TABLE import_contacts (
    import_id  bigint NOT NULL REFERENCES imports ON DELETE CASCADE,
    contact_id bigint NOT NULL REFERENCES contacts,
    PRIMARY KEY (import_id, contact_id)
);
CREATE INDEX import_contacts_contact_idx ON import_contacts (contact_id);
