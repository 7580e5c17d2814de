ALTER TABLE contacts DROP COLUMN unreachable_until, DROP COLUMN ineligible_until, DROP COLUMN ineligible_reason;
