-- What Twilio's log says that messages cost: a few of each campaign are asked for, to hold our prices against.
CREATE TABLE price_samples (
    message_id        bigint PRIMARY KEY,
    campaign_id       bigint NOT NULL,
    sid               text   NOT NULL,
    month             date   NOT NULL, -- in which it counts
    currency          text   NOT NULL,
    charged           bigint NOT NULL, -- both fees by the card, millionths
    reported          bigint,          -- by Twilio; null: it told none yet
    reported_currency text   NOT NULL DEFAULT '',
    asked             int    NOT NULL DEFAULT 0,
    asked_at          timestamptz
);
CREATE INDEX price_samples_campaign_idx ON price_samples (campaign_id);
