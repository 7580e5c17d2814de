-- Nothing is sent while there is a row: this database was restored from a backup, and the original may have gone on.
CREATE TABLE sending_hold (
    id           boolean     PRIMARY KEY DEFAULT true CHECK (id),
    held_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    backup_at    timestamptz NOT NULL, -- what the original sent since is not in this database
    stopped_at   timestamptz,          -- the original sends no more since then, as somebody said; null: nobody did
    confirmed_at timestamptz,
    checked_at   timestamptz,          -- when the provider's log was last held against that
    notice       text        NOT NULL DEFAULT '' -- why the hold goes on
);

-- What the original sent after the backup, by the provider's log: messages that are still to be sent here are held
-- against it. Only a keyed hash of address and text is kept.
CREATE TABLE sent_elsewhere (
    sid        text        PRIMARY KEY,
    what       bytea       NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX sent_elsewhere_what_idx ON sent_elsewhere (what);
