DROP TABLE canned_replies;
DROP TABLE conversation_labels;
DROP TABLE labels;
DROP TABLE conversation_notes;
DROP FUNCTION conversation_notes_stay();
ALTER TABLE conversations DROP COLUMN snoozed_until;
