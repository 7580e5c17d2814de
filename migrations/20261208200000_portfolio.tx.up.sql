-- How many people WhatsApp lets the business portfolio write to in 24 hours outside their windows, over all senders (error
-- 63018), and whom it has written to: see package portfolio.
CREATE TABLE portfolio (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),  -- there is one row, which those who take places lock
    by_hand   int CHECK (by_hand >= 0),                      -- null: what Twilio told; 0: no limit
    told      int CHECK (told >= 0),                         -- null: nothing; 0: no limit
    told_text text        NOT NULL DEFAULT '',               -- in Twilio's words
    told_at   timestamptz,
    -- The place that was promised last to a message that waits, by when it becomes free and whose it is.
    promised_until   timestamptz NOT NULL DEFAULT 'epoch',
    promised_contact bigint      NOT NULL DEFAULT 0
);
INSERT INTO portfolio DEFAULT VALUES;

-- The people who count, while a limit is set: one row each.
CREATE TABLE portfolio_people (
    contact_id bigint PRIMARY KEY,
    until      timestamptz NOT NULL -- they count until then, unless they are written to again
);
CREATE INDEX portfolio_people_until_idx ON portfolio_people (until, contact_id);
