-- The suppressions from before, in batches that commit. Each is locked while it is copied, so that one that the previous version
-- lifts meanwhile does not stay.
DO $$
DECLARE
    low bigint := 0;
    newest bigint := (SELECT coalesce(max(id), 0) FROM suppressions);
BEGIN
    WHILE low <= newest LOOP
        INSERT INTO suppressed_addresses (address_hash, reason, until, created_at)
        SELECT address_hash, reason, until, created_at FROM
            (SELECT * FROM suppressions WHERE id > low AND id <= low + 10000 ORDER BY id FOR SHARE) s
        ORDER BY id ON CONFLICT DO NOTHING;
        COMMIT;
        low := low + 10000;
    END LOOP;
END $$;
