ALTER TABLE campaigns
    DROP CONSTRAINT campaigns_archived,
    DROP COLUMN archived_at,
    DROP COLUMN labels;
