-- Taking the texts of erased people away at the provider too. Each row is a message there;
-- it stays, whatever became of it, until nothing more can come of its contact, so that
-- none is asked for twice.
CREATE TABLE redactions (
    sid        text        PRIMARY KEY,
    contact_id bigint      NOT NULL,
    action_id  bigint      NOT NULL, -- of bulk_actions; 0: of none
    account    text        NOT NULL, -- the provider's account that has the message
    outcome    text        NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'done', 'gone', 'refused')),
    reason     text        NOT NULL DEFAULT '', -- why it was refused or goes on waiting, for people
    tries      int         NOT NULL DEFAULT 0,
    next_try   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80);
CREATE INDEX redactions_due_idx ON redactions (next_try) WHERE outcome = 'waiting';
CREATE INDEX redactions_contact_idx ON redactions (contact_id, outcome);

-- How many of an action came to what, so that nobody counts rows to show it.
CREATE TABLE redaction_counts (
    action_id bigint NOT NULL,
    outcome   text   NOT NULL,
    reason    text   NOT NULL,
    n         bigint NOT NULL,
    PRIMARY KEY (action_id, outcome, reason)
);

-- Which account of the provider was in use from when on: a message belongs to the one
-- that was in use when the provider took it.
CREATE TABLE provider_periods (
    began_at timestamptz PRIMARY KEY, -- the first begins at -infinity
    account  text        NOT NULL
);

ALTER TABLE erasures ADD COLUMN action_id bigint NOT NULL DEFAULT 0;
