-- When a sender last went on after a pause: a call that began before that does not pause it again for what it met.
ALTER TABLE senders ADD COLUMN resumed_at timestamptz;
