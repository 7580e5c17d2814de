-- What messages cost: see package price.

-- Of a message that arrived, failed or did not arrive: what Meta and Twilio charge for it, in millionths of the currency.
ALTER TABLE messages
    ADD COLUMN price_month    date,
    ADD COLUMN price_market   text,
    ADD COLUMN price_category text,
    ADD COLUMN price_currency text,
    ADD COLUMN price_meta     bigint,
    ADD COLUMN price_twilio   bigint;

-- Rates that were set here. They stand beside those that come with the product, and count before those of the same day.
CREATE TABLE price_rates (
    market        text        NOT NULL, -- '' for Twilio's fees
    category      text        NOT NULL,
    from_messages bigint      NOT NULL, -- of a month's charged messages; 0: from the first
    currency      text        NOT NULL,
    since         date        NOT NULL, -- by the calendar of the business account
    price         bigint      NOT NULL, -- millionths
    doubtful      boolean     NOT NULL,
    source        text        NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (market, category, from_messages, currency, since)
);

-- What was charged, by month of the business account. Kept with the messages, so that no page counts them.
CREATE TABLE price_totals (
    month       date   NOT NULL, -- its first day
    campaign_id bigint NOT NULL, -- 0: outside campaigns
    market      text   NOT NULL,
    category    text   NOT NULL,
    currency    text   NOT NULL,
    messages    bigint NOT NULL,
    unknown     bigint NOT NULL, -- of them: the card did not tell Meta's fee
    meta        bigint NOT NULL,
    twilio      bigint NOT NULL,
    PRIMARY KEY (month, campaign_id, market, category, currency)
) WITH (fillfactor = 50);
CREATE INDEX price_totals_campaign_idx ON price_totals (campaign_id);

-- Service messages of a month, of which the first are free for each number.
CREATE TABLE price_services (
    sender_id bigint NOT NULL,
    month     date   NOT NULL,
    messages  bigint NOT NULL,
    PRIMARY KEY (sender_id, month)
) WITH (fillfactor = 50);
