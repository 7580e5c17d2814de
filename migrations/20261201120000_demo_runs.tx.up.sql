-- Demo data is written, and erased again, by a job: what each does, and how far it is.
CREATE TABLE demo_runs (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          text        NOT NULL CHECK (kind IN ('seed', 'remove')),
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    contacts      int         NOT NULL, -- to write, or to erase
    campaigns     int         NOT NULL DEFAULT 0,
    messages      int         NOT NULL DEFAULT 0,
    progress      real        NOT NULL DEFAULT 0,
    failure       text        NOT NULL DEFAULT '',
    first_contact bigint,     -- a seed's contacts, when they are there: no others lie between
    last_contact  bigint,
    operator_id   bigint,
    api_token_id  bigint,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at    timestamptz,
    finished_at   timestamptz
);
CREATE UNIQUE INDEX demo_runs_open_idx ON demo_runs ((true)) WHERE status IN ('pending', 'running');
