DROP TABLE segments, suppressions, consent_events, contacts;
DROP EXTENSION pg_trgm;
