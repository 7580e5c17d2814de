ALTER TABLE messages DROP COLUMN operator_id;
