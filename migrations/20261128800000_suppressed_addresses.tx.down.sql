DROP TRIGGER suppressions_previous ON suppressions;
DROP TABLE suppressed_addresses;
DROP FUNCTION suppressions_written();
DROP FUNCTION suppressed_addresses_written();
DROP FUNCTION suppressions_follow(bytea[]);
