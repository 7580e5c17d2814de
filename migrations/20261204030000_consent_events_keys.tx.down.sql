ALTER TABLE consent_events
    ADD CONSTRAINT consent_events_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES contacts,
    ADD CONSTRAINT consent_events_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES operators;
