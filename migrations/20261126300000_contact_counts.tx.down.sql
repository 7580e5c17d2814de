DROP INDEX imports_open_idx, bulk_actions_open_idx;
DROP TRIGGER contacts_count_insert ON contacts;
DROP TRIGGER contacts_count_update ON contacts;
DROP TRIGGER contacts_count_delete ON contacts;
DROP FUNCTION contact_counts_insert;
DROP FUNCTION contact_counts_change;
DROP TABLE contact_counts;
