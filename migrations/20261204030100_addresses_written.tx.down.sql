CREATE OR REPLACE TRIGGER contacts_addresses_insert AFTER INSERT ON contacts REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION contact_addresses_of_new();
