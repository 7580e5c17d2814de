CREATE OR REPLACE FUNCTION contact_addresses_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred)
    SELECT match_key, id, address, CASE WHEN kind = 'bsuid' AND address LIKE '__.ENT.%' THEN 'parent_bsuid' ELSE kind END,
        coalesce(nullif(current_setting('eventstream.address_source', true), ''), 'other'), true
    FROM added WHERE merged_into IS NULL AND address NOT LIKE 'erased:%' ORDER BY match_key;
    RETURN NULL;
END $$;
