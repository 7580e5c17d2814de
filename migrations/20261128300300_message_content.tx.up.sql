-- What inbound messages hold beside text and media, message.Content.
ALTER TABLE messages ADD COLUMN content jsonb;
