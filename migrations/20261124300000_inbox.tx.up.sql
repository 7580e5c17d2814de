-- Who takes care of a conversation, and which wait for somebody.
ALTER TABLE conversations ADD COLUMN assignee_id bigint REFERENCES operators;
CREATE INDEX conversations_unread_idx ON conversations (last_message_at DESC, id DESC) WHERE unread > 0;
