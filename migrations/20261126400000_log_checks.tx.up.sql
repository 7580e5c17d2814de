-- Receipts and inbound messages that never came are asked for: how far that is.
CREATE TABLE receipt_checks (
    campaign_id bigint      PRIMARY KEY, -- 0: messages outside campaigns
    pass_began  timestamptz NOT NULL,    -- of the pass under way, or of the next
    last_pass   timestamptz NOT NULL,    -- when the one before it began
    reached     bigint      NOT NULL DEFAULT 0, -- last contact, or message outside campaigns, of the pass under way
    base        bigint      NOT NULL DEFAULT 0, -- messages outside campaigns up to this id are too old
    next_at     timestamptz NOT NULL     -- infinity: nothing more is asked for
);
CREATE TABLE inbound_checks (
    sender_id  bigint      PRIMARY KEY,
    read_until timestamptz NOT NULL,
    next_at    timestamptz NOT NULL
);
