DROP INDEX conversations_unread_idx;
ALTER TABLE conversations DROP COLUMN assignee_id;
