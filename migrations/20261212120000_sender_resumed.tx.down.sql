ALTER TABLE senders DROP COLUMN resumed_at;
