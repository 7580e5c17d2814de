-- Delivery events are made from messages that were just read and locked, and a
-- message is never deleted: the check cost more than writing the row.
ALTER TABLE delivery_events DROP CONSTRAINT delivery_events_message_id_fkey;
