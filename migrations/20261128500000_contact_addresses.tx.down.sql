DROP TRIGGER contacts_addresses_gone ON contacts;
DROP TRIGGER contacts_addresses_insert ON contacts;
DROP FUNCTION contact_addresses_of_gone;
DROP FUNCTION contact_addresses_of_new;
DROP TABLE contact_addresses;
