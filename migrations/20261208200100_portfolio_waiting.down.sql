DROP INDEX CONCURRENTLY IF EXISTS messages_portfolio_idx;
