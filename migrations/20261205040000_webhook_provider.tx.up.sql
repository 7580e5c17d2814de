-- Which provider an event came from. Null: an older version stored it, and the account in its parameters tells.
ALTER TABLE webhook_events ADD COLUMN provider text;
