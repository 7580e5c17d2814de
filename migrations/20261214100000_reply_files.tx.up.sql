-- Files that were taken in for replies alone are none of the library: nobody else is offered them, and they go once no message shows them.
ALTER TABLE media ADD COLUMN for_replies boolean NOT NULL DEFAULT false;
-- Which reply shows which file.
CREATE TABLE reply_files (
    message_id bigint PRIMARY KEY,
    media_id   bigint NOT NULL REFERENCES media ON DELETE CASCADE
);
CREATE INDEX reply_files_media_idx ON reply_files (media_id);
