-- Messages that ask somebody to confirm their consent.
ALTER TABLE messages
    DROP CONSTRAINT messages_purpose_check,
    ADD CONSTRAINT messages_purpose_check
        CHECK (purpose IN ('campaign', 'test', 'confirmation', 'opt_in_question', 'reply', 'inbound', 'history')) NOT VALID;
