DROP INDEX IF EXISTS contacts_unreachable_idx;
--bun:split
DROP INDEX IF EXISTS contacts_ineligible_idx;
