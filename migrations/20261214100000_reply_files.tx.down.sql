DROP TABLE reply_files;
ALTER TABLE media DROP COLUMN for_replies;
