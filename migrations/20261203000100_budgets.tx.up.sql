-- Budgets: see package price. A message whose call begins while a budget holds has reserved the most that it may cost, until
-- its price is known or the call turns out to cost nothing.
ALTER TABLE messages ADD COLUMN price_reserved bigint;
ALTER TABLE campaigns
    ADD COLUMN budget          bigint CHECK (budget >= 0), -- millionths; null: none
    ADD COLUMN budget_currency text NOT NULL DEFAULT '';

-- The sums of what messages have reserved, by campaign.
CREATE TABLE price_reservations (
    campaign_id bigint PRIMARY KEY,
    reserved    bigint NOT NULL
) WITH (fillfactor = 50);
