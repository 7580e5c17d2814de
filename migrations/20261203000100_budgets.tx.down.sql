DROP TABLE price_reservations;
ALTER TABLE campaigns DROP COLUMN budget, DROP COLUMN budget_currency;
ALTER TABLE messages DROP COLUMN price_reserved;
