-- What is left to do about erased contacts: texts to clear, and receipts that may
-- still come and name the number. A contact leaves when nothing is left, so that
-- the table holds work and not history. The previous version clears texts in the
-- transaction of the erasure itself; only receipts that come late for what it
-- erases while both versions run are not looked for.
CREATE TABLE erasures (
    contact_id  bigint      PRIMARY KEY,
    erased_at   timestamptz NOT NULL,
    reached     bigint      NOT NULL DEFAULT 0, -- id of the last message cleared in this look
    watch_from  bigint      NOT NULL DEFAULT 0, -- id of the first message that receipts may still come for
    watch_until timestamptz NOT NULL,           -- the last look
    cleared     boolean     NOT NULL DEFAULT false, -- all that was there has been cleared once
    next_look   timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX erasures_next_idx ON erasures (next_look);
INSERT INTO erasures (contact_id, erased_at, watch_until, next_look)
    SELECT id, erased_at, erased_at + interval '7 days', now() FROM contacts
    WHERE erased_at > now() - interval '7 days' AND merged_into IS NULL;
