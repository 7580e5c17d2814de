-- Double opt-ins: consents that count only once the person has confirmed them on WhatsApp.
CREATE TABLE opt_in_requests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL,
    status text NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'asked', 'confirmed', 'declined', 'expired', 'canceled')),
    source text NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}', -- emptied when it ends without a yes
    operator_id bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it may be asked, or is looked at again
    asked_at timestamptz,
    asked_key text NOT NULL DEFAULT '', -- the match key of the address that was asked
    language text NOT NULL DEFAULT '', -- of the question
    message_id bigint, -- the question
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX opt_in_requests_open_idx ON opt_in_requests (contact_id) WHERE status IN ('waiting', 'asked');
CREATE INDEX opt_in_requests_contact_idx ON opt_in_requests (contact_id, id);
CREATE INDEX opt_in_requests_due_idx ON opt_in_requests ((source <> 'form'), not_before, id) WHERE status = 'waiting';
CREATE INDEX opt_in_requests_asked_idx ON opt_in_requests (not_before, id) WHERE status = 'asked';
CREATE INDEX opt_in_requests_message_idx ON opt_in_requests (message_id) WHERE status = 'asked';
CREATE INDEX opt_in_requests_expiry_idx ON opt_in_requests (expires_at, id) WHERE status IN ('waiting', 'asked');
CREATE INDEX opt_in_requests_status_idx ON opt_in_requests (status, id);

-- Set while one is open.
ALTER TABLE contacts ADD COLUMN opt_in_request_at timestamptz;
