-- The addresses of contacts from before, in batches that commit. Those of merged contacts are whose they were merged into.
DO $$
DECLARE
    low bigint := 0;
    newest bigint := (SELECT coalesce(max(id), 0) FROM contacts);
BEGIN
    WHILE low <= newest LOOP
        INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred, first_seen_at, last_seen_at)
        SELECT match_key, coalesce(merged_into, id), address,
            CASE WHEN kind = 'bsuid' AND address LIKE '__.ENT.%' THEN 'parent_bsuid' ELSE kind END,
            'other', merged_into IS NULL, created_at, last_inbound_at
        FROM contacts WHERE id > low AND id <= low + 10000 AND address NOT LIKE 'erased:%'
        ORDER BY match_key ON CONFLICT DO NOTHING;
        COMMIT;
        low := low + 10000;
    END LOOP;
END $$;
