-- Every address that is known of a contact: since 2026 one person has a number, a WhatsApp id (BSUID) and perhaps the
-- id of a parent account. contacts.address stays the one that is written to. One address is one person's, here and
-- nowhere else. No foreign key: rows of contacts are never deleted, and to check it costs imports a tenth.
CREATE TABLE contact_addresses (
    match_key     text        PRIMARY KEY, -- see contact.Address
    contact_id    bigint      NOT NULL,    -- who they are now, also after a merge
    address       text        NOT NULL,    -- the wire form
    kind          text        NOT NULL CHECK (kind IN ('phone', 'bsuid', 'parent_bsuid')),
    source        text        NOT NULL,    -- how it became known, see contact.AddressSource
    preferred     boolean     NOT NULL,    -- it is contacts.address
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz              -- when WhatsApp last named it; null: never
) WITH (fillfactor = 85);
CREATE INDEX contact_addresses_contact_idx ON contact_addresses (contact_id);
-- The preferred ones are found by the index over contacts.address.
CREATE INDEX contact_addresses_address_trgm_idx ON contact_addresses USING gin (address gin_trgm_ops) WHERE NOT preferred;

-- Triggers keep the table in step with contacts, so that no way of writing contacts forgets it, the previous version's
-- included. eventstream.address_source says where new contacts come from.
CREATE FUNCTION contact_addresses_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_addresses (match_key, contact_id, address, kind, source, preferred)
    SELECT match_key, id, address, CASE WHEN kind = 'bsuid' AND address LIKE '__.ENT.%' THEN 'parent_bsuid' ELSE kind END,
        coalesce(nullif(current_setting('eventstream.address_source', true), ''), 'other'), true
    FROM added WHERE merged_into IS NULL AND address NOT LIKE 'erased:%' ORDER BY match_key;
    RETURN NULL;
END $$;
CREATE FUNCTION contact_addresses_of_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.address LIKE 'erased:%' THEN
        DELETE FROM contact_addresses WHERE contact_id = NEW.id;
    ELSE
        UPDATE contact_addresses SET contact_id = NEW.merged_into, preferred = false WHERE contact_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_addresses_insert AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION contact_addresses_of_new();
CREATE TRIGGER contacts_addresses_gone AFTER UPDATE OF address, merged_into ON contacts
    FOR EACH ROW WHEN (NEW.merged_into IS NOT NULL OR NEW.address LIKE 'erased:%') EXECUTE FUNCTION contact_addresses_of_gone();
