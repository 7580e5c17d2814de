DROP TABLE audit_entries;
DROP FUNCTION audit_entries_only_seal, refuse_change;
