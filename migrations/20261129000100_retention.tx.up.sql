-- How far each kind of old data has been gone through. A pass begins anew every day, from
-- the oldest row on, so that nothing is missed that was younger or still needed then.
CREATE TABLE retention_passes (
    kind        text        PRIMARY KEY,
    reached     bigint      NOT NULL, -- id of the last row looked at in this pass
    removed     bigint      NOT NULL DEFAULT 0, -- in this pass
    total       bigint      NOT NULL DEFAULT 0, -- in all passes before
    next_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz -- of the last pass
);
