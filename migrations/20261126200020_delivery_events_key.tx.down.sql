ALTER TABLE delivery_events ADD CONSTRAINT delivery_events_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages NOT VALID;
