-- Messages that may ask for an opt-out wait for a person's decision; until then campaigns leave
-- the contact out. The text is the message's own, so that erasing that erases it here too.
CREATE TABLE opt_out_reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL,
    message_id bigint NOT NULL,
    language text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    opted_out boolean, -- what was decided
    operator_id bigint
);
CREATE UNIQUE INDEX opt_out_reviews_open_idx ON opt_out_reviews (contact_id) WHERE decided_at IS NULL;
ALTER TABLE contacts ADD COLUMN opt_out_review_at timestamptz;
