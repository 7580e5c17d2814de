-- What waits for WhatsApp's limit of people a day, by campaign.
CREATE INDEX CONCURRENTLY IF NOT EXISTS messages_portfolio_idx ON messages (campaign_id, not_before, id)
    WHERE work = 'send' AND not_before_reason = 'portfolio_limit';
