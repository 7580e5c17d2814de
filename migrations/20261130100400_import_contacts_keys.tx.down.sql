ALTER TABLE import_contacts
    ADD CONSTRAINT import_contacts_import_id_fkey FOREIGN KEY (import_id) REFERENCES imports ON DELETE CASCADE,
    ADD CONSTRAINT import_contacts_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts;
