DROP TABLE segments, suppressions, consent_events, contacts;
DROP FUNCTION attribute_time;
DROP EXTENSION pg_trgm;
