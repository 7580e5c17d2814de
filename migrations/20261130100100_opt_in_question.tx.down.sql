ALTER TABLE messages
    DROP CONSTRAINT messages_purpose_check,
    ADD CONSTRAINT messages_purpose_check
        CHECK (purpose IN ('campaign', 'test', 'confirmation', 'reply', 'inbound', 'history')) NOT VALID;
