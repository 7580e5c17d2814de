-- Who writes contacts writes their addresses first, in one statement and in order of key, and waits there for whoever
-- has one of them at hand: two who bring the same new addresses never wait for each other. So a new contact may have
-- its address already. One whose address somebody else has is refused as before.
CREATE OR REPLACE FUNCTION contact_addresses_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred)
    SELECT match_key, id, address, CASE WHEN kind = 'bsuid' AND address LIKE '__.ENT.%' THEN 'parent_bsuid' ELSE kind END,
        coalesce(nullif(current_setting('eventstream.address_source', true), ''), 'other'), true
    FROM added WHERE merged_into IS NULL AND address NOT LIKE 'erased:%'
        AND NOT EXISTS (SELECT 1 FROM contact_addresses a WHERE a.match_key = added.match_key AND a.contact_id = added.id)
    ORDER BY match_key;
    RETURN NULL;
END $$;
